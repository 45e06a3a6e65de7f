-- Venues and suppliers: see V1400 for the kinds of tables and the rules.

-- venues: P
grant select on table public.venues to anon;
grant select, insert, update, delete on table public.venues to authenticated, service_role;
create policy venues_anon_select on public.venues
    for select to anon
    using (is_published);
create policy venues_select on public.venues
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or is_published
    );
create policy venues_insert on public.venues
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy venues_update on public.venues
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
create policy venues_delete on public.venues
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy venues_service on public.venues
    for all to service_role
    using (true)
    with check (true);

-- venue_spaces: P
grant select on table public.venue_spaces to anon;
grant select, insert, update, delete on table public.venue_spaces to authenticated, service_role;
create policy venue_spaces_anon_select on public.venue_spaces
    for select to anon
    using (
        exists (
            select from public.venues v
            where v.id = venue_spaces.venue_id and v.is_published
        )
    );
create policy venue_spaces_select on public.venue_spaces
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or exists (
            select from public.venues v
            where v.id = venue_spaces.venue_id and v.is_published
        )
    );
create policy venue_spaces_insert on public.venue_spaces
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy venue_spaces_update on public.venue_spaces
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
create policy venue_spaces_delete on public.venue_spaces
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy venue_spaces_service on public.venue_spaces
    for all to service_role
    using (true)
    with check (true);

-- vendors: M
grant select, insert, update, delete on table public.vendors to authenticated, service_role;
create policy vendors_select on public.vendors
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy vendors_insert on public.vendors
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy vendors_update on public.vendors
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
create policy vendors_delete on public.vendors
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy vendors_service on public.vendors
    for all to service_role
    using (true)
    with check (true);

-- event_vendors: M
grant select, insert, update, delete on table public.event_vendors to authenticated, service_role;
create policy event_vendors_select on public.event_vendors
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy event_vendors_insert on public.event_vendors
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy event_vendors_update on public.event_vendors
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
create policy event_vendors_delete on public.event_vendors
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy event_vendors_service on public.event_vendors
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('venues', 'P',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('venue_spaces', 'P',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('vendors', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('event_vendors', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}');
