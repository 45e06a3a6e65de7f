-- Finance: see V1400 for the kinds of tables and the rules.

-- budgets: F
-- Only a draft may go.
grant select, insert, update, delete on table public.budgets to authenticated, service_role;
create policy budgets_select on public.budgets
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy budgets_insert on public.budgets
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy budgets_update on public.budgets
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy budgets_delete on public.budgets
    for delete to authenticated
    using (
        status = 'draft'
        and organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy budgets_service on public.budgets
    for all to service_role
    using (true)
    with check (true);

-- expenses: F
-- Only a draft may go.
grant select, insert, update, delete on table public.expenses to authenticated, service_role;
create policy expenses_select on public.expenses
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy expenses_insert on public.expenses
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy expenses_update on public.expenses
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy expenses_delete on public.expenses
    for delete to authenticated
    using (
        status = 'draft'
        and organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy expenses_service on public.expenses
    for all to service_role
    using (true)
    with check (true);

-- financial_periods: F
-- Only an open one may go.
grant select, insert, update, delete on table public.financial_periods
    to authenticated, service_role;
create policy financial_periods_select on public.financial_periods
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy financial_periods_insert on public.financial_periods
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy financial_periods_update on public.financial_periods
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy financial_periods_delete on public.financial_periods
    for delete to authenticated
    using (
        closed_at is null
        and organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy financial_periods_service on public.financial_periods
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('budgets', 'F',
        '{owner,admin,finance}', '{owner,admin,finance}',
        '{owner,admin,finance}', '{owner,admin,finance}', '{}'),
    ('expenses', 'F',
        '{owner,admin,finance}', '{owner,admin,finance}',
        '{owner,admin,finance}', '{owner,admin,finance}', '{}'),
    ('financial_periods', 'F',
        '{owner,admin,finance}', '{owner,admin,finance}',
        '{owner,admin,finance}', '{owner,admin,finance}', '{}');
