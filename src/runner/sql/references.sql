-- Which table refers to which.
select cn.nspname::text, c.relname::text, rn.nspname::text, r.relname::text
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace cn on cn.oid = c.relnamespace
join pg_class r on r.oid = k.confrelid
join pg_namespace rn on rn.oid = r.relnamespace
where k.contype = 'f' and k.conparentid = 0 and k.conrelid <> k.confrelid
