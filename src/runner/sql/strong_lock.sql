-- A relation on which the watched backend ($1) holds a lock that keeps others from writing or
-- reading. A relation that was made in its own transaction is not in our view of pg_class, and
-- nobody else can want it.
select c.oid::regclass::text
from pg_locks l join pg_class c on c.oid = l.relation
where l.pid = $1::integer and l.granted and l.locktype = 'relation'
    and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    and c.relkind in ('r', 'p', 'i', 'I', 'm', 'S')
    and c.relnamespace <> 'pg_catalog'::regnamespace
    and c.relnamespace <> 'pg_toast'::regnamespace
order by l.mode, c.relname
limit 1
