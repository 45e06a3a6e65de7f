-- The columns of a table ($1, its quoted name): name, type, whether the type is one of PostgreSQL's own (its collation
-- too), whether it is generated, whether it is an identity that wants no values, whether it belongs to the primary key.
select a.attname::text, format_type(a.atttypid, a.atttypmod),
    (n.nspname = 'pg_catalog' and (a.attcollation = 0 or a.attcollation < 16384))::text,
    (a.attgenerated <> '')::text, (a.attidentity = 'a')::text,
    exists (select from pg_index i where i.indrelid = a.attrelid and i.indisprimary
        and a.attnum = any (i.indkey))::text
from pg_attribute a
join pg_type t on t.oid = a.atttypid
join pg_namespace n on n.oid = t.typnamespace
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
order by a.attnum
