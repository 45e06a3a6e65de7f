-- $1 id, $2 action, $3 taken at, $4 client version, $5 host, $6 path, $7 manifest's hash, $8 key,
-- $9 bytes, $10 rows, $11 system identifier, $12 reason. The table is locked against others that write.
with head as (
    select (select b.row_hash from {table} b order by b.seq desc limit 1) as previous,
        (select coalesce(max(b.seq), 0) + 1 from {table} b) as seq
), x as (
    select head.previous, head.seq, $1 as id, $2 as action, clock_timestamp() as at,
        $3::timestamptz as taken_at, session_user::text as actor, $4 as client_version, $5 as host,
        $6 as path, $7 as manifest_sha256, $8 as key_id, $9::bigint as bytes, $10::bigint as rows,
        $11 as system_identifier, $12 as reason
    from head
)
insert into {table} (seq, id, action, at, taken_at, actor, client_version, host, path,
    manifest_sha256, key_id, bytes, rows, system_identifier, reason, row_hash)
select x.seq, x.id, x.action, x.at, x.taken_at, x.actor, x.client_version, x.host, x.path,
    x.manifest_sha256, x.key_id, x.bytes, x.rows, x.system_identifier, x.reason, {hash}
from x
