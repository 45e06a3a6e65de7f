-- Extensions live in schema extensions, as on Supabase. Both are trusted: the
-- database's owner may install them without being superuser.
--   citext      e-mail addresses and promo codes compare without case
--   btree_gist  "no two sessions in one space at the same time" is a constraint

-- An extension that sits elsewhere would make extensions.citext a missing type
-- many files later; say it here, with the remedy.
do $check$
declare
    misplaced record;
begin
    for misplaced in
        select e.extname, n.nspname
        from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace
        where e.extname in ('citext', 'btree_gist') and n.nspname <> 'extensions'
        order by e.extname
    loop
        raise exception 'extension % is installed in schema %, expected in schema extensions',
            misplaced.extname, misplaced.nspname
            using errcode = 'object_not_in_prerequisite_state',
                hint = format(
                    'Move it, then apply again: create schema if not exists extensions; alter extension %I set schema extensions;',
                    misplaced.extname
                );
    end loop;
end
$check$;

-- What is absent now is what a rollback may drop. The OIDs follow below.
insert into app_private.provisioned (kind, name, object_oid, created_by)
select wanted.kind, wanted.name, 0, r.oid
from (values ('schema', 'extensions'), ('extension', 'citext'), ('extension', 'btree_gist'))
    as wanted (kind, name)
cross join pg_catalog.pg_roles r
where r.rolname = current_user
    and case wanted.kind
        when 'schema' then to_regnamespace(wanted.name) is null
        else not exists (select from pg_catalog.pg_extension e where e.extname = wanted.name)
    end;

create schema if not exists extensions;
create extension if not exists citext with schema extensions;
create extension if not exists btree_gist with schema extensions;

update app_private.provisioned p
set object_oid = e.oid
from pg_catalog.pg_extension e
where p.kind = 'extension' and p.name = e.extname and p.object_oid = 0;

update app_private.provisioned p
set object_oid = n.oid
from pg_catalog.pg_namespace n
where p.kind = 'schema' and p.name = n.nspname and p.object_oid = 0;

-- Callers must be able to name the type citext. Where the schema was there
-- before, its owner has granted that; a missing grant is made and remembered.
do $usage$
declare
    my_oid constant oid := (select oid from pg_catalog.pg_roles where rolname = current_user);
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated', 'service_role'] loop
        if not has_schema_privilege(role_name, 'extensions', 'usage') then
            execute format('grant usage on schema extensions to %I', role_name);
            insert into app_private.provisioned (kind, name, object_oid, created_by)
            values (
                'usage', 'extensions/' || role_name, to_regnamespace('extensions')::oid, my_oid
            );
        end if;
    end loop;
end
$usage$;
