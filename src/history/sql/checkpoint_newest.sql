-- The newest checkpoint, and whether anything was run since: by a run that was killed, or could not read the catalog.
select c.seq::text, c.run_id, c.moment, c.migration_seq::text,
    to_char(c.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), c.fingerprint,
    exists (select from {schema}.catalog k where k.fingerprint = c.fingerprint)::text,
    (exists (
        select from {schema}.migration m
        where m.seq > coalesce(c.migration_seq, 0) and m.action in ('apply', 'rollback')
    ) or exists (select from {schema}.statement s where s.at > c.at))::text
from {schema}.checkpoint c order by c.seq desc limit 1
