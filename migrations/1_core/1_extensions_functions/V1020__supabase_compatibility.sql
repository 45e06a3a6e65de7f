-- Hosted Supabase brings the roles anon, authenticated and service_role and the
-- schema auth. A plain server has none of them. This file creates whatever is
-- absent, says so in a NOTICE, remembers it in app_private.provisioned, and does
-- not touch anything that is there already.

do $compat$
declare
    me pg_catalog.pg_roles%rowtype;
    missing_roles text[];
    role_name text;
    attributes text;
    role_sql text := '';
begin
    select * into strict me from pg_catalog.pg_roles where rolname = current_user;

    select array_agg(w.name order by w.ord) into missing_roles
    from unnest(array['anon', 'authenticated', 'service_role']) with ordinality as w (name, ord)
    where not exists (select from pg_catalog.pg_roles r where r.rolname = w.name);

    if missing_roles is null then
        return;
    end if;

    if not (me.rolsuper or me.rolcreaterole) then
        foreach role_name in array missing_roles loop
            role_sql := role_sql || format(
                E'\n    create role %I nologin noinherit%s;',
                role_name,
                case when role_name = 'service_role' then ' bypassrls' else '' end
            );
        end loop;
        raise exception 'role % may not create the missing roles %',
            me.rolname, array_to_string(missing_roles, ', ')
            using errcode = 'insufficient_privilege',
                hint = 'Let a superuser run this once, then apply again:' || role_sql;
    end if;

    foreach role_name in array missing_roles loop
        attributes := 'nologin noinherit';
        if role_name = 'service_role' then
            -- Up to 15 only a superuser may hand out BYPASSRLS; from 16 on a role
            -- that has both CREATEROLE and BYPASSRLS may.
            if me.rolsuper
                or (me.rolbypassrls and current_setting('server_version_num')::integer >= 160000)
            then
                attributes := attributes || ' bypassrls';
            else
                raise notice 'service_role is created without BYPASSRLS, which role % may not grant; its policies give it the same rows',
                    me.rolname;
            end if;
        end if;

        begin
            execute format('create role %I %s', role_name, attributes);
        exception when duplicate_object or unique_violation then
            -- Another database of this cluster was faster: the role is its own.
            raise notice 'role % was created by another session meanwhile', role_name;
            continue;
        end;

        insert into app_private.provisioned (kind, name, object_oid, created_by)
        select 'role', r.rolname, r.oid, me.oid
        from pg_catalog.pg_roles r
        where r.rolname = role_name;
        raise notice 'role % was absent and is now created (%)', role_name, attributes;
    end loop;
end
$compat$;

do $compat$
declare
    my_oid constant oid := (select oid from pg_catalog.pg_roles where rolname = current_user);
    claim record;
begin
    if to_regnamespace('auth') is null then
        create schema auth;
        comment on schema auth is
            'Stand-in for Supabase Auth, created because this server has none.';
        revoke all on schema auth from public;
        grant usage on schema auth to anon, authenticated, service_role;
        insert into app_private.provisioned (kind, name, object_oid, created_by)
        values ('schema', 'auth', to_regnamespace('auth')::oid, my_oid);
        raise notice 'schema auth was absent and is now created';
    end if;

    if to_regclass('auth.users') is null then
        create table auth.users (
            id uuid primary key default gen_random_uuid(),
            aud text,
            role text,
            email text,
            phone text unique,
            raw_app_meta_data jsonb,
            raw_user_meta_data jsonb,
            created_at timestamptz,
            updated_at timestamptz
        );
        comment on table auth.users is
            'Stand-in for Supabase Auth''s table of accounts: the columns that the platform reads.';
        -- No policy: accounts are nobody's business but the auth server's.
        alter table auth.users enable row level security;
        revoke all on table auth.users from public, anon, authenticated, service_role;
        insert into app_private.provisioned (kind, name, object_oid, created_by)
        values ('relation', 'auth.users', to_regclass('auth.users')::oid, my_oid);
        raise notice 'table auth.users was absent and is now created';
    end if;

    -- After a transaction that set it, a custom setting reads as '' and not as
    -- NULL: hence the nullif. PL/pgSQL keeps the expression prepared for the session;
    -- an SQL function with a search_path of its own is planned again for each query,
    -- and these are called by every one.
    for claim in
        select * from (values
            ('auth.uid()', 'uuid',
                $q$coalesce(
                    nullif(current_setting('request.jwt.claim.sub', true), ''),
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
                )::uuid$q$,
                'The caller''s account, from the request''s token; null without one.'),
            ('auth.role()', 'text',
                $q$coalesce(
                    nullif(current_setting('request.jwt.claim.role', true), ''),
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
                )::text$q$,
                'The role that the request''s token names; null without one.'),
            ('auth.email()', 'text',
                $q$coalesce(
                    nullif(current_setting('request.jwt.claim.email', true), ''),
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
                )::text$q$,
                'The e-mail address in the request''s token; null without one.'),
            ('auth.jwt()', 'jsonb',
                $q$coalesce(
                    nullif(current_setting('request.jwt.claim', true), ''),
                    nullif(current_setting('request.jwt.claims', true), '')
                )::jsonb$q$,
                'All claims of the request''s token; null without one.')
        ) as wanted (signature, result, body, remark)
    loop
        if to_regprocedure(claim.signature) is null then
            execute format(
                'create function %s returns %s language plpgsql stable set search_path = '''' as %L',
                claim.signature, claim.result,
                format(
                    E'\nbegin\n    return %s;\nend\n',
                    regexp_replace(claim.body, E'\n {12}', E'\n', 'g')
                )
            );
            execute format('comment on function %s is %L', claim.signature, claim.remark);
            execute format('revoke all on function %s from public', claim.signature);
            execute format(
                'grant execute on function %s to anon, authenticated, service_role',
                claim.signature
            );
            insert into app_private.provisioned (kind, name, object_oid, created_by)
            values ('function', claim.signature, to_regprocedure(claim.signature)::oid, my_oid);
            raise notice 'function % was absent and is now created', claim.signature;
        end if;
    end loop;
end
$compat$;

-- The API roles must be able to look into schema public. That holds by default
-- everywhere; a hardened server may have taken it away.
do $compat$
declare
    my_oid constant oid := (select oid from pg_catalog.pg_roles where rolname = current_user);
    role_name text;
begin
    foreach role_name in array array['anon', 'authenticated', 'service_role'] loop
        if not has_schema_privilege(role_name, 'public', 'usage') then
            execute format('grant usage on schema public to %I', role_name);
            insert into app_private.provisioned (kind, name, object_oid, created_by)
            values ('usage', 'public/' || role_name, to_regnamespace('public')::oid, my_oid);
            raise notice 'usage of schema public is now granted to %', role_name;
        end if;
    end loop;
end
$compat$;
