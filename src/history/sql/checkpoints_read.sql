-- All checkpoints, oldest first, and whether the catalog that each tells of is still there in full.
select c.seq::text, c.run_id, c.moment, c.migration_seq::text,
    to_char(c.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), c.fingerprint,
    exists (select from {schema}.catalog k where k.fingerprint = c.fingerprint)::text
from {schema}.checkpoint c order by c.seq
