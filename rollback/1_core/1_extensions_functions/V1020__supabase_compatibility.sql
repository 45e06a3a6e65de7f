-- Takes back what V1020 created, where it is still that object and nobody else has
-- come to use it. On a Supabase-shaped database V1020 created nothing, and nothing
-- happens here.
do $compat$
declare
    ours record;
begin
    for ours in
        select p.name
        from app_private.provisioned p
        where p.kind = 'function'
            and p.name in ('auth.uid()', 'auth.role()', 'auth.email()', 'auth.jwt()')
            and p.object_oid = to_regprocedure(p.name)
        order by p.name
    loop
        begin
            execute 'drop function ' || ours.name;
        exception when dependent_objects_still_exist then
            raise notice 'function % stays: other objects use it', ours.name;
        end;
    end loop;

    for ours in
        select p.name
        from app_private.provisioned p
        where p.kind = 'relation'
            and p.name = 'auth.users'
            and p.object_oid = to_regclass(p.name)
    loop
        begin
            execute 'drop table ' || ours.name;
        exception when dependent_objects_still_exist then
            raise notice 'table % stays: other objects use it', ours.name;
        end;
    end loop;

    for ours in
        select p.name
        from app_private.provisioned p
        where p.kind = 'schema' and p.name = 'auth' and p.object_oid = to_regnamespace(p.name)
    loop
        begin
            execute format('drop schema %I', ours.name);
        exception when dependent_objects_still_exist then
            raise notice 'schema % stays: it holds other objects', ours.name;
        end;
    end loop;

    for ours in
        select split_part(p.name, '/', 2) as role_name
        from app_private.provisioned p
        where p.kind = 'usage'
            and p.name like 'public/%'
            and p.object_oid = to_regnamespace('public')
        order by p.name
    loop
        execute format('revoke usage on schema public from %I', ours.role_name);
    end loop;
end
$compat$;

-- Roles belong to the whole cluster. One goes only if this database's V1020 created
-- it, its OID is still the same, no object of another database and no setting names
-- it, and nobody was made its member but the role that created it (PostgreSQL 16
-- does that by itself) or the one that runs this. Otherwise it stays, and a NOTICE
-- says why: a role too many does no harm, one too few locks an API out.
do $roles$
declare
    ours record;
    reason text;
begin
    for ours in
        select p.name, p.object_oid, p.created_by
        from app_private.provisioned p
        join pg_catalog.pg_roles r on r.oid = p.object_oid and r.rolname = p.name
        where p.kind = 'role'
        order by p.name
    loop
        reason := case
            when exists (
                select from pg_catalog.pg_shdepend d
                join pg_catalog.pg_database b on b.oid = d.dbid
                where d.refclassid = 'pg_catalog.pg_authid'::regclass
                    and d.refobjid = ours.object_oid
                    and b.datname <> current_database()
            ) then 'another database uses it'
            when exists (
                select from pg_catalog.pg_auth_members m
                where m.member = ours.object_oid
                    or (
                        m.roleid = ours.object_oid
                        and m.member <> ours.created_by
                        and m.member <> (
                            select oid from pg_catalog.pg_roles where rolname = current_user
                        )
                    )
            ) then 'it has members, or is one'
            when exists (
                select from pg_catalog.pg_db_role_setting s where s.setrole = ours.object_oid
            ) then 'somebody configured it'
        end;

        if reason is null then
            begin
                execute format('drop role %I', ours.name);
            exception
                when dependent_objects_still_exist then
                    reason := 'other objects use it';
                when insufficient_privilege then
                    reason := 'role ' || current_user || ' may not drop it';
            end;
        end if;

        if reason is not null then
            raise notice 'role % stays: %', ours.name, reason;
        end if;
    end loop;
end
$roles$;

delete from app_private.provisioned
where kind = 'role'
    or (kind = 'function' and name like 'auth.%')
    or (kind = 'relation' and name = 'auth.users')
    or (kind = 'schema' and name = 'auth')
    or (kind = 'usage' and name like 'public/%');
