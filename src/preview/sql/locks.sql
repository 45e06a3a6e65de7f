-- The relations that this transaction has locked, with the strongest mode as a number from 1 to 8, their file and their
-- sequential scans so far, between two rows with the clock. Names are qualified: the search path is the file's.
--
-- It runs after each statement. So relations are looked up one by one, few of thousands, and not joined; the table of
-- large values has its owner's oid in its name, where no index leads from it to the owner.
select extract(epoch from pg_catalog.statement_timestamp())::pg_catalog.text, null::pg_catalog.text,
       null::pg_catalog.text, null::pg_catalog.text, null::pg_catalog.text, null::pg_catalog.text,
       null::pg_catalog.text, null::pg_catalog.text, null::pg_catalog.text, null::pg_catalog.text
union all
select null, null, l.relation::pg_catalog.text, l.mode::pg_catalog.text, r.*
from (
    select relation, max(case mode
        when 'AccessShareLock' then 1 when 'RowShareLock' then 2 when 'RowExclusiveLock' then 3
        when 'ShareUpdateExclusiveLock' then 4 when 'ShareLock' then 5 when 'ShareRowExclusiveLock' then 6
        when 'ExclusiveLock' then 7 when 'AccessExclusiveLock' then 8 end) as mode
    from pg_catalog.pg_locks
    where locktype = 'relation' and granted and relation >= 16384
        and pid = pg_catalog.pg_backend_pid()
    group by relation
) l
left join lateral (
    select (select n.nspname::pg_catalog.text from pg_catalog.pg_namespace n where n.oid = c.relnamespace),
        c.relname::pg_catalog.text, c.relkind::pg_catalog.text,
        pg_catalog.pg_relation_filenode(c.oid)::pg_catalog.text,
        pg_catalog.pg_stat_get_xact_numscans(c.oid)::pg_catalog.text,
        case
            when c.relkind in ('i', 'I') then (
                select i.indrelid::pg_catalog.text from pg_catalog.pg_index i where i.indexrelid = c.oid
            )
            when c.relkind = 't' then (
                select o.oid::pg_catalog.text from pg_catalog.pg_class o
                where o.oid = pg_catalog.substr(c.relname::pg_catalog.text, 10)::pg_catalog.oid
                    and o.reltoastrelid = c.oid
            )
        end
    from pg_catalog.pg_class c
    where c.oid = l.relation
    -- Keeps the planner from making a join of it.
    offset 0
) r on true
union all
select null, extract(epoch from pg_catalog.clock_timestamp())::pg_catalog.text, null, null, null, null, null, null,
       null, null
