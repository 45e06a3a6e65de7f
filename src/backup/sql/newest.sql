-- $1 system identifier. The newest backups of this very database: a row that came with a copy of another
-- cluster's database is none of it.
select b.host, b.path, b.manifest_sha256,
    to_char(b.taken_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'),
    floor(extract(epoch from clock_timestamp() - b.taken_at))::bigint::text
from {table} b
where b.action = 'made' and b.system_identifier is not distinct from $1
order by b.taken_at desc, b.seq desc
limit 20
