-- The relations that this transaction has locked, with the strongest mode as a number from 1 to 8, their file and their
-- sequential scans so far; one row at least, for the clock. Names are qualified: the search path is the file's.
select extract(epoch from pg_catalog.statement_timestamp())::pg_catalog.text,
       extract(epoch from pg_catalog.clock_timestamp())::pg_catalog.text,
       l.relation::pg_catalog.text, l.mode::pg_catalog.text, n.nspname::pg_catalog.text,
       c.relname::pg_catalog.text, c.relkind::pg_catalog.text,
       pg_catalog.pg_relation_filenode(c.oid)::pg_catalog.text,
       pg_catalog.pg_stat_get_xact_numscans(c.oid)::pg_catalog.text,
       coalesce(i.indrelid, o.oid)::pg_catalog.text
from (select 1) one
left join (
    select relation, max(case mode
        when 'AccessShareLock' then 1 when 'RowShareLock' then 2 when 'RowExclusiveLock' then 3
        when 'ShareUpdateExclusiveLock' then 4 when 'ShareLock' then 5 when 'ShareRowExclusiveLock' then 6
        when 'ExclusiveLock' then 7 when 'AccessExclusiveLock' then 8 end) as mode
    from pg_catalog.pg_locks
    where locktype = 'relation' and granted and relation >= 16384
        and pid = pg_catalog.pg_backend_pid()
    group by relation
) l on true
left join pg_catalog.pg_class c on c.oid = l.relation
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = c.oid
left join pg_catalog.pg_class o on c.relkind = 't' and o.reltoastrelid = c.oid
