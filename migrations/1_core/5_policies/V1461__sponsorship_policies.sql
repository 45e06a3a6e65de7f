-- Sponsorship: see V1400 for the kinds of tables and the rules.

-- sponsors: M
grant select, insert, update, delete on table public.sponsors to authenticated, service_role;
create policy sponsors_select on public.sponsors
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy sponsors_insert on public.sponsors
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy sponsors_update on public.sponsors
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
create policy sponsors_delete on public.sponsors
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy sponsors_service on public.sponsors
    for all to service_role
    using (true)
    with check (true);

-- sponsor_contacts: M
grant select, insert, update, delete on table public.sponsor_contacts
    to authenticated, service_role;
create policy sponsor_contacts_select on public.sponsor_contacts
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy sponsor_contacts_insert on public.sponsor_contacts
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy sponsor_contacts_update on public.sponsor_contacts
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
create policy sponsor_contacts_delete on public.sponsor_contacts
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy sponsor_contacts_service on public.sponsor_contacts
    for all to service_role
    using (true)
    with check (true);

-- sponsor_packages: P
-- taken is the server's.
grant select on table public.sponsor_packages to anon;
grant select, delete on table public.sponsor_packages to authenticated;
grant insert (
    id, organization_id, event_id, name, tier, description, benefits, price_cents, currency,
    slots, is_published, sort_order
) on table public.sponsor_packages to authenticated;
grant update (
    event_id, name, tier, description, benefits, price_cents, currency, slots, is_published,
    sort_order
) on table public.sponsor_packages to authenticated;
grant select, insert, update, delete on table public.sponsor_packages to service_role;
create policy sponsor_packages_anon_select on public.sponsor_packages
    for select to anon
    using (
        is_published
        and exists (
            select from public.events e
            where e.id = sponsor_packages.event_id and e.is_public
        )
    );
create policy sponsor_packages_select on public.sponsor_packages
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or (
            is_published
            and exists (
                select from public.events e
                where e.id = sponsor_packages.event_id and e.is_public
            )
        )
    );
create policy sponsor_packages_insert on public.sponsor_packages
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy sponsor_packages_update on public.sponsor_packages
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
create policy sponsor_packages_delete on public.sponsor_packages
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy sponsor_packages_service on public.sponsor_packages
    for all to service_role
    using (true)
    with check (true);

-- deals: M
-- What was won or lost is on record and stays.
grant select, insert, update, delete on table public.deals to authenticated, service_role;
create policy deals_select on public.deals
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy deals_insert on public.deals
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy deals_update on public.deals
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
create policy deals_delete on public.deals
    for delete to authenticated
    using (
        stage not in ('won', 'lost')
        and organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy deals_service on public.deals
    for all to service_role
    using (true)
    with check (true);

-- deal_stage_history: S
grant select on table public.deal_stage_history to authenticated;
grant select, insert, update, delete on table public.deal_stage_history to service_role;
create policy deal_stage_history_select on public.deal_stage_history
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy deal_stage_history_service on public.deal_stage_history
    for all to service_role
    using (true)
    with check (true);

-- deliverables: M
grant select, insert, update, delete on table public.deliverables to authenticated, service_role;
create policy deliverables_select on public.deliverables
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy deliverables_insert on public.deliverables
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy deliverables_update on public.deliverables
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
create policy deliverables_delete on public.deliverables
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy deliverables_service on public.deliverables
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('sponsors', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('sponsor_contacts', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('sponsor_packages', 'P',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('deals', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('deal_stage_history', 'S',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{}', '{}', '{}'),
    ('deliverables', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}');
