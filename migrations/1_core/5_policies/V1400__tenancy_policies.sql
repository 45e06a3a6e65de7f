-- Policies and grants. A row needs both; neither is ever given to PUBLIC.
--
-- Kinds of tables:
--   M  members read, some roles write       F  roles that handle money
--   O  the caller's own row                 B  the buyer reads his own, else as M
--   P  anyone reads what is published, M    S  members read, the server writes
--   R  reference data, read only            X  the server only
--
-- One policy per command and role: several would all be evaluated, for each row.
-- authenticated and anon go by policies; service_role has one of its own on every
-- table, so that nothing hangs on its BYPASSRLS, which a plain server may be
-- unable to give it. There is no TRUNCATE, REFERENCES or TRIGGER for anybody.

-- organizations: M
-- The server makes organizations, with their first owner, and sets plan and status.
grant select, delete on table public.organizations to authenticated;
grant update (
    name, slug, billing_email, default_currency, timezone, settings
) on table public.organizations to authenticated;
grant select, insert, update, delete on table public.organizations to service_role;
create policy organizations_select on public.organizations
    for select to authenticated
    using (id = any (array(select app_private.member_org_ids())));
create policy organizations_update on public.organizations
    for update to authenticated
    using (
        id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    )
    with check (
        id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy organizations_delete on public.organizations
    for delete to authenticated
    using (
        id = any (array(
            select app_private.member_org_ids(array['owner'])
        ))
    );
create policy organizations_service on public.organizations
    for all to service_role
    using (true)
    with check (true);

-- profiles: O
-- Own row; people of the same tenant see each other. It goes with the account.
grant select, insert, update on table public.profiles to authenticated;
grant select, insert, update, delete on table public.profiles to service_role;
create policy profiles_select on public.profiles
    for select to authenticated
    using (
        id = (select auth.uid())
        or id = any (array(select app_private.co_member_ids()))
    );
create policy profiles_insert on public.profiles
    for insert to authenticated
    with check (id = (select auth.uid()));
create policy profiles_update on public.profiles
    for update to authenticated
    using (id = (select auth.uid()))
    with check (id = (select auth.uid()));
create policy profiles_service on public.profiles
    for all to service_role
    using (true)
    with check (true);

-- roles: R/M
-- Built-in roles belong to no tenant, so that no member may write them.
grant select, insert, update, delete on table public.roles to authenticated, service_role;
create policy roles_select on public.roles
    for select to authenticated
    using (
        organization_id is null
        or organization_id = any (array(select app_private.member_org_ids()))
    );
create policy roles_insert on public.roles
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy roles_update on public.roles
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy roles_delete on public.roles
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy roles_service on public.roles
    for all to service_role
    using (true)
    with check (true);

-- organization_members: M
-- An admin neither makes nor touches an owner. Anyone but an owner may leave.
grant select, insert, update, delete on table public.organization_members
    to authenticated, service_role;
create policy organization_members_select on public.organization_members
    for select to authenticated
    using (
        user_id = (select auth.uid())
        or organization_id = any (array(select app_private.member_org_ids()))
    );
create policy organization_members_insert on public.organization_members
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner'])
        ))
        or (
            role <> 'owner'
            and organization_id = any (array(
                select app_private.member_org_ids(array['admin'])
            ))
        )
    );
create policy organization_members_update on public.organization_members
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner'])
        ))
        or (
            role <> 'owner'
            and organization_id = any (array(
                select app_private.member_org_ids(array['admin'])
            ))
        )
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner'])
        ))
        or (
            role <> 'owner'
            and organization_id = any (array(
                select app_private.member_org_ids(array['admin'])
            ))
        )
    );
create policy organization_members_delete on public.organization_members
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner'])
        ))
        or (
            role <> 'owner'
            and organization_id = any (array(
                select app_private.member_org_ids(array['admin'])
            ))
        )
        or (role <> 'owner' and user_id = (select auth.uid()))
    );
create policy organization_members_service on public.organization_members
    for all to service_role
    using (true)
    with check (true);

-- organization_invitations: M
-- For owners and admins; only an owner invites an owner.
grant select, insert, update, delete on table public.organization_invitations
    to authenticated, service_role;
create policy organization_invitations_select on public.organization_invitations
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy organization_invitations_insert on public.organization_invitations
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner'])
        ))
        or (
            role <> 'owner'
            and organization_id = any (array(
                select app_private.member_org_ids(array['admin'])
            ))
        )
    );
create policy organization_invitations_update on public.organization_invitations
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner'])
        ))
        or (
            role <> 'owner'
            and organization_id = any (array(
                select app_private.member_org_ids(array['admin'])
            ))
        )
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner'])
        ))
        or (
            role <> 'owner'
            and organization_id = any (array(
                select app_private.member_org_ids(array['admin'])
            ))
        )
    );
create policy organization_invitations_delete on public.organization_invitations
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy organization_invitations_service on public.organization_invitations
    for all to service_role
    using (true)
    with check (true);

-- teams: M
grant select, insert, update, delete on table public.teams to authenticated, service_role;
create policy teams_select on public.teams
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy teams_insert on public.teams
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy teams_update on public.teams
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy teams_delete on public.teams
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy teams_service on public.teams
    for all to service_role
    using (true)
    with check (true);

-- team_members: M
grant select, insert, update, delete on table public.team_members to authenticated, service_role;
create policy team_members_select on public.team_members
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy team_members_insert on public.team_members
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy team_members_update on public.team_members
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy team_members_delete on public.team_members
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy team_members_service on public.team_members
    for all to service_role
    using (true)
    with check (true);

-- api_keys: X
grant select, insert, update, delete on table public.api_keys to service_role;
create policy api_keys_nobody on public.api_keys
    for all to anon, authenticated
    using (false)
    with check (false);
create policy api_keys_service on public.api_keys
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('organizations', 'M',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{owner,admin}', '{owner}', '{}'),
    ('profiles', 'O',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{}', '{}', '{select,insert,update}'),
    ('roles', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin}',
        '{owner,admin}', '{owner,admin}', '{}'),
    ('organization_members', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin}',
        '{owner,admin}', '{owner,admin}', '{select,delete}'),
    ('organization_invitations', 'M',
        '{owner,admin}', '{owner,admin}',
        '{owner,admin}', '{owner,admin}', '{}'),
    ('teams', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('team_members', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin,manager}', '{}'),
    ('api_keys', 'X', '{}', '{}', '{}', '{}', '{}');
