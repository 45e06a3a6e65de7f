-- Who calls, and what a new account brings about.

create function app_private.is_api_caller()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
    -- SECURITY DEFINER changes current_user, but not what SET ROLE said.
    return coalesce(nullif(current_setting('role', true), 'none'), session_user::text)
        in ('anon', 'authenticated', 'authenticator');
end
$$;

revoke all on function app_private.is_api_caller() from public;
grant execute on function app_private.is_api_caller() to authenticated, service_role;

comment on function app_private.is_api_caller() is
    'True: the request comes from outside, and what it says about itself must be checked.';

create function app_private.require_member(_organization_id uuid, _roles text[])
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    if not app_private.is_api_caller() then
        return;
    end if;
    if (select auth.uid()) is null then
        perform app_private.fail(401, 'sign_in_required', 'sign in first', 'Send a token.');
    end if;
    if not exists (
        select from app_private.member_org_ids(_roles) as m (id) where m.id = _organization_id
    ) then
        -- The same answer whether the tenant is there or not.
        perform app_private.fail(
            403, 'not_allowed', 'the caller has no role in the organization that allows this',
            format('Ask its owner for one of these roles: %s.', array_to_string(_roles, ', ')),
            jsonb_build_object('organization_id', _organization_id)
        );
    end if;
end
$$;

revoke all on function app_private.require_member(uuid, text[]) from public;
grant execute on function app_private.require_member(uuid, text[])
    to authenticated, service_role;

comment on function app_private.require_member(uuid, text[]) is
    'Fails unless the caller is an active member of the tenant in one of the roles. Servers pass.';

-- A sign-up must never fail because of us: whatever goes wrong is logged, and the
-- profile is made with the first request that needs it.
create function app_private.handle_new_user()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into public.profiles (id, full_name, avatar_url, locale)
    select new.id,
        left(nullif(btrim(coalesce(
            m.data ->> 'full_name', m.data ->> 'name', split_part(new.email::text, '@', 1)
        )), ''), 200),
        case when m.data ->> 'avatar_url' ~ '^https?://'
            and char_length(m.data ->> 'avatar_url') <= 2048
            then m.data ->> 'avatar_url' end,
        case when m.data ->> 'locale' ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'
            then m.data ->> 'locale' else 'en' end
    from (select to_jsonb(new) -> 'raw_user_meta_data' as data) m
    on conflict (id) do nothing;
    return null;
exception when others then
    raise log 'no profile for account %: % (%)', new.id, sqlerrm, sqlstate;
    return null;
end
$$;

revoke all on function app_private.handle_new_user() from public;

comment on function app_private.handle_new_user() is
    'Row trigger on auth.users: makes the account''s profile; never raises.';

create trigger create_profile after insert on auth.users
    for each row execute function app_private.handle_new_user();

-- Accounts that are older than the trigger, or whose trigger failed.
create function app_private.ensure_profile()
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
    account constant uuid := (select auth.uid());
begin
    if account is null or exists (select from public.profiles p where p.id = account) then
        return account;
    end if;
    insert into public.profiles (id)
    select u.id from auth.users u where u.id = account
    on conflict (id) do nothing;
    if not found and not exists (select from public.profiles p where p.id = account) then
        perform app_private.fail(
            401, 'unknown_account', 'the token''s account does not exist', 'Sign in again.'
        );
    end if;
    return account;
end
$$;

revoke all on function app_private.ensure_profile() from public;

comment on function app_private.ensure_profile() is
    'The caller''s account, with a profile; null for guests and servers.';
