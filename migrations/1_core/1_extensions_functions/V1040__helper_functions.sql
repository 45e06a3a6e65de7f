-- Helpers that need no table. Every function here and later has an empty
-- search_path, so that nobody can slip an object of their own under a name, and
-- is executable only by the roles that are named.

grant usage on schema app_private to authenticated, service_role;

create function app_private.set_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    new.updated_at := now();
    return new;
end
$$;

revoke all on function app_private.set_updated_at() from public;

comment on function app_private.set_updated_at() is
    'Row trigger: stamps updated_at with the transaction''s time, whatever the client sent.';

create function app_private.current_email()
returns extensions.citext
language sql
stable
set search_path = ''
as $$
    select nullif(btrim(auth.jwt() ->> 'email'), '')::extensions.citext
$$;

revoke all on function app_private.current_email() from public;
grant execute on function app_private.current_email() to authenticated, service_role;

comment on function app_private.current_email() is
    'The caller''s e-mail address from the token, null without one. Proves possession only if the auth server confirms addresses.';
