-- Whether a copy of the database called $1 has all of it: its settings, grants and comment are not copied.
select (d.datacl is null
        and pg_catalog.shobj_description(d.oid, 'pg_database') is null
        and not exists (select from pg_catalog.pg_db_role_setting s where s.setdatabase = d.oid))::text
from pg_catalog.pg_database d
where d.datname = $1
