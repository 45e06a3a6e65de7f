-- Analytics: see V1400 for the kinds of tables and the rules.

-- analytics_events: S
grant select on table public.analytics_events to authenticated;
grant select, insert, update, delete on table public.analytics_events to service_role;
create policy analytics_events_select on public.analytics_events
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy analytics_events_service on public.analytics_events
    for all to service_role
    using (true)
    with check (true);

-- kpi_definitions: R
grant select on table public.kpi_definitions to anon;
grant select on table public.kpi_definitions to authenticated;
grant select, insert, update, delete on table public.kpi_definitions to service_role;
create policy kpi_definitions_anon_select on public.kpi_definitions
    for select to anon
    using (true);
create policy kpi_definitions_select on public.kpi_definitions
    for select to authenticated
    using (true);
create policy kpi_definitions_service on public.kpi_definitions
    for all to service_role
    using (true)
    with check (true);

-- kpi_snapshots: S
-- Figures made from what only the finance roles read are theirs as well.
grant select on table public.kpi_snapshots to authenticated;
grant select, insert, update, delete on table public.kpi_snapshots to service_role;
create policy kpi_snapshots_select on public.kpi_snapshots
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
        or (
            organization_id = any (array(select app_private.member_org_ids()))
            and kpi_key = any (array(
                select d.key from public.kpi_definitions d where not d.is_financial
            ))
        )
    );
create policy kpi_snapshots_service on public.kpi_snapshots
    for all to service_role
    using (true)
    with check (true);

-- dashboards: M
grant select, insert, update, delete on table public.dashboards to authenticated, service_role;
create policy dashboards_select on public.dashboards
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy dashboards_insert on public.dashboards
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy dashboards_update on public.dashboards
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
create policy dashboards_delete on public.dashboards
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy dashboards_service on public.dashboards
    for all to service_role
    using (true)
    with check (true);

-- survey_responses: B
-- The holder of a ticket of the event answers its open survey, once; owners and admins
-- may remove an answer, nobody may change one.
grant select, delete on table public.survey_responses to authenticated;
grant insert (
    id, organization_id, survey_id, ticket_id, user_id, answers, nps
) on table public.survey_responses to authenticated;
grant select, insert, update, delete on table public.survey_responses to service_role;
create policy survey_responses_select on public.survey_responses
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or user_id = (select auth.uid())
    );
create policy survey_responses_insert on public.survey_responses
    for insert to authenticated
    with check (
        user_id = (select auth.uid())
        and ticket_id = any (array(select app_private.buyer_ticket_ids()))
        and exists (
            select from public.surveys s
            join public.tickets t
                on t.event_id = s.event_id and t.organization_id = s.organization_id
            where s.id = survey_responses.survey_id
                and s.status = 'open'
                and t.id = survey_responses.ticket_id
                and t.status <> 'void'
        )
    );
create policy survey_responses_delete on public.survey_responses
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy survey_responses_service on public.survey_responses
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('analytics_events', 'S',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{}', '{}', '{}'),
    ('kpi_definitions', 'R', '{}', '{}', '{}', '{}', '{}'),
    ('kpi_snapshots', 'S', '{owner,admin,manager,finance,staff,member}', '{}', '{}', '{}', '{}'),
    ('dashboards', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('survey_responses', 'B',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{}', '{owner,admin}', '{select,insert}');
