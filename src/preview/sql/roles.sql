-- The roles that people made, with what can be said of them without their passwords.
select r.rolname::text,
       concat_ws(' ',
           case when r.rolsuper then 'superuser' else 'nosuperuser' end,
           case when r.rolinherit then 'inherit' else 'noinherit' end,
           case when r.rolcreaterole then 'createrole' else 'nocreaterole' end,
           case when r.rolcreatedb then 'createdb' else 'nocreatedb' end,
           case when r.rolreplication then 'replication' else 'noreplication' end,
           case when r.rolbypassrls then 'bypassrls' else 'nobypassrls' end,
           case when r.rolcanlogin then 'login' else 'nologin' end),
       case when r.rolcanlogin then 't' else 'f' end
from pg_catalog.pg_roles r
where r.rolname !~ '^pg_'
order by r.rolname
