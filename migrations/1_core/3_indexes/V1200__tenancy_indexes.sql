-- Tenancy: an index behind every foreign key, one for every rule of uniqueness that a
-- constraint cannot say, and the look-ups that are known from the start. A tenant's
-- rows are found by unique (organization_id, ...) of each table.

-- Built-in keys are unique among themselves; (null, key) is not, to a constraint.
create unique index roles_builtin_key_idx on public.roles (key)
    where organization_id is null;

-- Every policy starts here: the tenants of one account.
create index organization_members_user_idx
    on public.organization_members (user_id, organization_id);

create index organization_members_role_idx
    on public.organization_members (role_id, organization_id);

-- At most one open invitation per address.
create unique index organization_invitations_pending_idx
    on public.organization_invitations (organization_id, email)
    where status = 'pending';

create index organization_invitations_inviter_idx on public.organization_invitations (invited_by);
create index team_members_member_idx on public.team_members (user_id, organization_id);
create index api_keys_creator_idx on public.api_keys (created_by);
