-- Every relation that is not the system's, before a file's first statement. Names are qualified: the search path is
-- the file's. Oids below 16384 are those that initdb gave; one row at least, for the clock.
select extract(epoch from pg_catalog.statement_timestamp())::pg_catalog.text,
       extract(epoch from pg_catalog.clock_timestamp())::pg_catalog.text,
       c.oid::pg_catalog.text, null::pg_catalog.text, n.nspname::pg_catalog.text, c.relname::pg_catalog.text,
       c.relkind::pg_catalog.text, pg_catalog.pg_relation_filenode(c.oid)::pg_catalog.text,
       pg_catalog.pg_stat_get_xact_numscans(c.oid)::pg_catalog.text,
       coalesce(i.indrelid, o.oid)::pg_catalog.text
from (select 1) one
left join pg_catalog.pg_class c on c.oid >= 16384
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = c.oid
left join pg_catalog.pg_class o on c.relkind = 't' and o.reltoastrelid = c.oid
