-- What the database called $1 says that it was made from.
select pg_catalog.shobj_description(d.oid, 'pg_database')
from pg_catalog.pg_database d
where d.datname = $1
