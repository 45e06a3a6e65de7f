-- The extensions of this database with their schemas.
select e.extname::text, n.nspname::text
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname <> 'plpgsql'
order by e.extname
