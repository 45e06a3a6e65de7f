-- The tables whose rows pg_dump writes, with their columns as a JSON array of [name, type, generated].
-- Extensions keep their own rows, temporary tables are one session's.
select c.oid::text, n.nspname, c.relname, rn.nspname, rc.relname,
    (select jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> '')
        order by a.attname)
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)::text
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_class rc on c.relispartition and rc.oid = pg_partition_root(c.oid)
left join pg_namespace rn on rn.oid = rc.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't'
    and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    and not exists (select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by n.nspname, c.relname
