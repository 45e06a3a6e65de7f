delete from app_private.table_policies
where table_name in (
    'organizations', 'profiles', 'roles', 'organization_members',
    'organization_invitations', 'teams', 'team_members', 'api_keys'
);

drop policy api_keys_service on public.api_keys;
drop policy api_keys_nobody on public.api_keys;
revoke all on table public.api_keys from anon, authenticated, service_role;

drop policy team_members_service on public.team_members;
drop policy team_members_delete on public.team_members;
drop policy team_members_update on public.team_members;
drop policy team_members_insert on public.team_members;
drop policy team_members_select on public.team_members;
revoke all on table public.team_members from anon, authenticated, service_role;

drop policy teams_service on public.teams;
drop policy teams_delete on public.teams;
drop policy teams_update on public.teams;
drop policy teams_insert on public.teams;
drop policy teams_select on public.teams;
revoke all on table public.teams from anon, authenticated, service_role;

drop policy organization_invitations_service on public.organization_invitations;
drop policy organization_invitations_delete on public.organization_invitations;
drop policy organization_invitations_update on public.organization_invitations;
drop policy organization_invitations_insert on public.organization_invitations;
drop policy organization_invitations_select on public.organization_invitations;
revoke all on table public.organization_invitations from anon, authenticated, service_role;

drop policy organization_members_service on public.organization_members;
drop policy organization_members_delete on public.organization_members;
drop policy organization_members_update on public.organization_members;
drop policy organization_members_insert on public.organization_members;
drop policy organization_members_select on public.organization_members;
revoke all on table public.organization_members from anon, authenticated, service_role;

drop policy roles_service on public.roles;
drop policy roles_delete on public.roles;
drop policy roles_update on public.roles;
drop policy roles_insert on public.roles;
drop policy roles_select on public.roles;
revoke all on table public.roles from anon, authenticated, service_role;

drop policy profiles_service on public.profiles;
drop policy profiles_update on public.profiles;
drop policy profiles_insert on public.profiles;
drop policy profiles_select on public.profiles;
revoke all on table public.profiles from anon, authenticated, service_role;

drop policy organizations_service on public.organizations;
drop policy organizations_delete on public.organizations;
drop policy organizations_update on public.organizations;
drop policy organizations_select on public.organizations;
revoke update (
    name, slug, billing_email, default_currency, timezone, settings
) on table public.organizations from authenticated;
revoke all on table public.organizations from anon, authenticated, service_role;
