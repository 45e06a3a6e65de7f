-- The sequences behind a table's columns ($1, its quoted name): the column, and the sequence's quoted name.
select a.attname::text, format('%I.%I', n.nspname, s.relname)
from pg_depend d
join pg_class s on s.oid = d.objid and s.relkind = 'S'
join pg_namespace n on n.oid = s.relnamespace
join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
    and d.refobjid = to_regclass($1) and d.refobjsubid > 0 and d.deptype in ('a', 'i')
