-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.api_keys;
drop table public.team_members;
drop table public.teams;
drop table public.organization_invitations;
drop table public.organization_members;
drop table public.roles;
drop table public.profiles;
drop table public.organizations;
