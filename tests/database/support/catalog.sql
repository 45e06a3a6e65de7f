-- What the suites ask of the catalog, as temporary views. Included after begin.sql.

-- What the platform made: nothing that an extension brought.
create temporary view own_tables as
select c.oid, c.relname::text as name, c.relkind, c.relrowsecurity, c.relforcerowsecurity,
    c.relacl, c.relowner
from pg_catalog.pg_class c
where c.relnamespace = 'public'::regnamespace
    and c.relkind in ('r', 'p')
    and not exists (
        select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    );

-- Whole, usable indexes, with their key columns in order.
create temporary view own_indexes as
select i.*, (i.indkey::int2[])[0:i.indnkeyatts - 1] as cols
from pg_catalog.pg_index i
where i.indisvalid and i.indpred is null and i.indexprs is null;

create temporary view own_foreign_keys as
select k.oid, k.conname, k.conrelid, k.confrelid, k.conkey, k.confkey, k.convalidated
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
where k.contype = 'f' and k.conparentid = 0
    and c.relnamespace in ('public'::regnamespace, 'app_private'::regnamespace);

-- Default privileges may give new tables to who owns the database or the tables anyway.
create temporary view admins as
select datdba as oid from pg_catalog.pg_database where datname = current_database()
union
select relowner from own_tables;

create temporary view table_grants as
select t.name, coalesce(r.rolname, 'PUBLIC')::text as grantee, a.privilege_type as privilege,
    a.is_grantable, null::text as column_name
from own_tables t
cross join lateral pg_catalog.aclexplode(
    coalesce(t.relacl, pg_catalog.acldefault('r', t.relowner))
) a
left join pg_catalog.pg_roles r on r.oid = a.grantee
where a.grantee not in (select oid from admins)
union
select t.name, coalesce(r.rolname, 'PUBLIC'), a.privilege_type, a.is_grantable, c.attname::text
from own_tables t
join pg_catalog.pg_attribute c on c.attrelid = t.oid and c.attacl is not null
cross join lateral pg_catalog.aclexplode(c.attacl) a
left join pg_catalog.pg_roles r on r.oid = a.grantee
where a.grantee not in (select oid from admins);

create temporary view table_policies as
select t.name, p.polname::text, p.polpermissive, coalesce(r.rolname, 'PUBLIC')::text as role, c.cmd,
    pg_catalog.pg_get_expr(p.polqual, p.polrelid) as qual,
    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as chk
from own_tables t
join pg_catalog.pg_policy p on p.polrelid = t.oid
cross join lateral unnest(p.polroles) as x (role)
left join pg_catalog.pg_roles r on r.oid = x.role
cross join lateral (
    select unnest(case p.polcmd
        when 'r' then array['SELECT']
        when 'a' then array['INSERT']
        when 'w' then array['UPDATE']
        when 'd' then array['DELETE']
        else array['SELECT', 'INSERT', 'UPDATE', 'DELETE']
    end) as cmd
) c;

create temporary view own_functions as
select p.oid, p.oid::regprocedure::text as name, n.nspname::text as schema, p.proname::text,
    p.prosecdef, p.proretset, p.proconfig, p.proacl, p.proowner, p.prokind, p.prorettype, p.prolang
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname in ('public', 'app_private', 'monitoring')
    and not exists (
        select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    );

create temporary view function_grants as
select f.oid, f.name, f.schema, f.proname, f.prosecdef, coalesce(r.rolname, 'PUBLIC')::text as grantee
from own_functions f
cross join lateral pg_catalog.aclexplode(
    coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))
) a
left join pg_catalog.pg_roles r on r.oid = a.grantee
where a.grantee <> f.proowner and a.grantee not in (select oid from admins);

create temporary view own_views as
select c.oid, c.relname::text as name, n.nspname::text as schema, c.relkind, c.reloptions, c.relowner,
    c.relacl
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('public', 'app_private', 'monitoring')
    and c.relkind in ('v', 'm')
    and not exists (
        select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    );
