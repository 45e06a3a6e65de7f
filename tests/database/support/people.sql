-- Two tenants, and everybody who may stand before them. Included after begin.sql.
--
-- Accounts end in the letter of their tenant and a digit:
--   a1 owner  a2 admin  a3 manager  a4 finance  a5 staff  a6 member  a7 suspended admin
--   b1 owner  b6 member (the other tenant)
--   c1 the buyer, member of nothing          c2 somebody with an account and nothing else

-- Who runs a suite must be able to become one of the API's roles. Where the grant is refused he
-- may be a member already; if not, SET ROLE fails below and says so.
do $$
declare
    r text;
begin
    foreach r in array array['anon', 'authenticated', 'service_role'] loop
        begin
            execute format('grant %I to current_user', r);
        exception when insufficient_privilege or invalid_grant_operation then null;
        end;
    end loop;
end
$$;
set local role anon;
set local role authenticated;
set local role service_role;
reset role;

create temporary table people (
    account text primary key,
    id uuid not null,
    email text not null,
    tenant text,
    role text,
    status text
) on commit drop;
insert into people
select account, ('00000000-0000-4000-8000-0000000000' || account)::uuid,
    account || '@fixture.example', tenant, role, status
from (values
    ('a1', 'a', 'owner', 'active'), ('a2', 'a', 'admin', 'active'), ('a3', 'a', 'manager', 'active'),
    ('a4', 'a', 'finance', 'active'), ('a5', 'a', 'staff', 'active'), ('a6', 'a', 'member', 'active'),
    ('a7', 'a', 'admin', 'suspended'), ('b1', 'b', 'owner', 'active'), ('b6', 'b', 'member', 'active'),
    ('c1', null, null, null), ('c2', null, null, null)
) as p (account, tenant, role, status);

create function pg_temp.org(tenant text) returns uuid
language sql immutable
as $$ select ('0000000' || tenant || '-0000-4000-8000-000000000000')::uuid $$;

insert into auth.users (id, email) select id, email from people;
-- A sign-up hook may have been faster.
insert into public.profiles (id) select id from people on conflict do nothing;
insert into public.organizations (id, name, slug) values
    (pg_temp.org('a'), 'Tenant A', 'fixture-tenant-a'),
    (pg_temp.org('b'), 'Tenant B', 'fixture-tenant-b');
insert into public.organization_members (organization_id, user_id, role, status)
select pg_temp.org(tenant), id, role, status from people where tenant is not null;

-- Makes the session somebody: the claims of his token, as the API's gateway sets them. The role is
-- changed by the caller, SET LOCAL ROLE being undone with the subtransaction it is in.
create function pg_temp.be(who text) returns void
language sql
as $$
    select set_config('request.jwt.claims', coalesce((
        select json_build_object('sub', p.id, 'email', p.email, 'role', 'authenticated')::text
        from people p where p.account = who
    ), ''), true)
$$;

-- The database role of a persona: everybody with an account is `authenticated`.
create function pg_temp.role_of(who text) returns name
language sql immutable
as $$ select case when who in ('anon', 'service_role') then who else 'authenticated' end::name $$;

-- What a statement does in a persona's name, undone whatever it was: the number of its rows, or
-- the SQLSTATE of its error.
create function pg_temp.outcome(who text, statement text) returns text
language plpgsql
as $$
declare
    result text;
    n bigint;
begin
    perform pg_temp.be(who);
    begin
        execute format('set local role %I', pg_temp.role_of(who));
        execute statement;
        get diagnostics n = row_count;
        raise exception using errcode = 'ZZ000';
    exception
        when sqlstate 'ZZ000' then result := n::text;
        when others then result := sqlstate;
    end;
    return result;
end
$$;

-- Runs a query in a persona's name, for good, and returns its only value as text; an error is the
-- caller's.
create function pg_temp.run(who text, query text) returns text
language plpgsql
as $$
declare
    result text;
begin
    perform pg_temp.be(who);
    execute format('set local role %I', pg_temp.role_of(who));
    execute query into result;
    execute 'reset role';
    perform pg_temp.be(null);
    return result;
exception when others then
    -- The subtransaction took the role back already.
    raise;
end
$$;

-- The stable word that an API error carries in its detail ("reason"), its SQLSTATE where there is
-- none, or null where the statement succeeds. Undone whatever it was.
create function pg_temp.reason(who text, statement text) returns text
language plpgsql
as $$
declare
    result text;
    said text;
begin
    perform pg_temp.be(who);
    begin
        execute format('set local role %I', pg_temp.role_of(who));
        execute statement;
        raise exception using errcode = 'ZZ000';
    exception
        when sqlstate 'ZZ000' then null;
        when others then
            get stacked diagnostics said = pg_exception_detail;
            result := case when said ~ '^\{' then said::jsonb ->> 'reason' else sqlstate end;
    end;
    perform pg_temp.be(null);
    return result;
end
$$;
