-- Every foreign key between plain tables, partitions taken one by one: its name, the table that refers,
-- the table that is referred to, whether it can be deferred.
select c.conname, cn.nspname, cc.relname, pn.nspname, pc.relname, c.condeferrable::text
from pg_constraint c
cross join lateral (select relid::oid as oid from pg_partition_tree(c.conrelid) where isleaf
    union select c.conrelid) child
cross join lateral (select relid::oid as oid from pg_partition_tree(c.confrelid) where isleaf
    union select c.confrelid) parent
join pg_class cc on cc.oid = child.oid and cc.relkind = 'r'
join pg_namespace cn on cn.oid = cc.relnamespace
join pg_class pc on pc.oid = parent.oid and pc.relkind = 'r'
join pg_namespace pn on pn.oid = pc.relnamespace
where c.contype = 'f' and c.conparentid = 0
order by 2, 3, 1, 4, 5
