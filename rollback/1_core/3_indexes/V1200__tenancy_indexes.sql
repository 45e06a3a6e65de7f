drop index public.api_keys_creator_idx;
drop index public.team_members_member_idx;
drop index public.organization_invitations_inviter_idx;
drop index public.organization_invitations_pending_idx;
drop index public.organization_members_role_idx;
drop index public.organization_members_user_idx;
drop index public.roles_builtin_key_idx;
