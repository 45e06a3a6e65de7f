-- Integrations, files and surveys: see V1400 for the kinds of tables and the rules.

-- integrations: S
-- All columns but secret_ref: name the columns, select * is refused.
grant select (
    id, organization_id, provider, name, status, external_account, config, last_error,
    connected_at, last_synced_at, created_at, updated_at
) on table public.integrations to authenticated;
grant select, insert, update, delete on table public.integrations to service_role;
create policy integrations_select on public.integrations
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy integrations_service on public.integrations
    for all to service_role
    using (true)
    with check (true);

-- webhook_endpoints: M
-- For owners and admins, as an address may carry a key. All columns but secret_hash: name
-- the columns, select * is refused. The server makes them, as it draws the secret.
grant delete on table public.webhook_endpoints to authenticated;
grant select (
    id, organization_id, url, description, events, is_active, created_at, updated_at
) on table public.webhook_endpoints to authenticated;
grant update (
    url, description, events, is_active
) on table public.webhook_endpoints to authenticated;
grant select, insert, update, delete on table public.webhook_endpoints to service_role;
create policy webhook_endpoints_select on public.webhook_endpoints
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy webhook_endpoints_update on public.webhook_endpoints
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
create policy webhook_endpoints_delete on public.webhook_endpoints
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy webhook_endpoints_service on public.webhook_endpoints
    for all to service_role
    using (true)
    with check (true);

-- webhook_deliveries: S
-- As the endpoints: the payload holds what the event was about.
grant select on table public.webhook_deliveries to authenticated;
grant select, insert, update, delete on table public.webhook_deliveries to service_role;
create policy webhook_deliveries_select on public.webhook_deliveries
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy webhook_deliveries_service on public.webhook_deliveries
    for all to service_role
    using (true)
    with check (true);

-- files: M
grant select, insert, update, delete on table public.files to authenticated, service_role;
create policy files_select on public.files
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy files_insert on public.files
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance', 'staff'])
        ))
    );
create policy files_update on public.files
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance', 'staff'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance', 'staff'])
        ))
    );
create policy files_delete on public.files
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy files_service on public.files
    for all to service_role
    using (true)
    with check (true);

-- surveys: P
-- An open survey is for the holders of a ticket, and for anyone if the event is.
grant select on table public.surveys to anon;
grant select, insert, update, delete on table public.surveys to authenticated, service_role;
create policy surveys_anon_select on public.surveys
    for select to anon
    using (
        status = 'open'
        and exists (
            select from public.events e
            where e.id = surveys.event_id and e.is_public
        )
    );
create policy surveys_select on public.surveys
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or (
            status = 'open'
            and (
                event_id = any (array(select app_private.buyer_event_ids()))
                or exists (
                    select from public.events e
                    where e.id = surveys.event_id and e.is_public
                )
            )
        )
    );
create policy surveys_insert on public.surveys
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy surveys_update on public.surveys
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
create policy surveys_delete on public.surveys
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy surveys_service on public.surveys
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('integrations', 'S', '{owner,admin,manager,finance,staff,member}', '{}', '{}', '{}', '{}'),
    ('webhook_endpoints', 'M', '{owner,admin}', '{}', '{owner,admin}', '{owner,admin}', '{}'),
    ('webhook_deliveries', 'S', '{owner,admin}', '{}', '{}', '{}', '{}'),
    ('files', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager,finance,staff}',
        '{owner,admin,manager,finance,staff}', '{owner,admin,manager}', '{}'),
    ('surveys', 'P',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{select}');
