-- Whether this role may make something in the database, and who owns it.
select pg_catalog.has_database_privilege(d.oid, 'create')::text, pg_catalog.pg_get_userbyid(d.datdba)::text
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
