-- Tables that the watched backend ($1) keeps everybody out of, as they were before its transaction: what that has
-- written is not in our view of pg_class. More than that many are of no use to anybody who asks how fast one was written.
select c.oid::text, c.relfilenode::text, a.backend_xid::text
from pg_stat_activity a
join pg_locks l on l.pid = a.pid
join pg_class c on c.oid = l.relation
where a.pid = $1::integer and a.backend_xid is not null
    and l.granted and l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
    and c.relkind in ('r', 'm') and c.relfilenode <> 0
order by c.oid
limit 256
