-- $1 fingerprint, $2 the cluster's identifier
--
-- OIDs say something where they were given out: in a copy of the history that a dump has brought elsewhere, others have
-- them.
select k.document, case when k.place = $2::text || ' ' || d.oid then k.keys end
from {schema}.catalog k, pg_catalog.pg_database d
where k.fingerprint = $1 and d.datname = pg_catalog.current_database()
