-- Events: see V1400 for the kinds of tables and the rules.

-- event_categories: R
grant select on table public.event_categories to anon;
grant select on table public.event_categories to authenticated;
grant select, insert, update, delete on table public.event_categories to service_role;
create policy event_categories_anon_select on public.event_categories
    for select to anon
    using (true);
create policy event_categories_select on public.event_categories
    for select to authenticated
    using (true);
create policy event_categories_service on public.event_categories
    for all to service_role
    using (true)
    with check (true);

-- event_series: M
grant select, insert, update, delete on table public.event_series to authenticated, service_role;
create policy event_series_select on public.event_series
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy event_series_insert on public.event_series
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy event_series_update on public.event_series
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
create policy event_series_delete on public.event_series
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy event_series_service on public.event_series
    for all to service_role
    using (true)
    with check (true);

-- events: P
grant select on table public.events to anon;
grant select, insert, update, delete on table public.events to authenticated, service_role;
create policy events_anon_select on public.events
    for select to anon
    using (is_public);
create policy events_select on public.events
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or is_public
    );
create policy events_insert on public.events
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy events_update on public.events
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
create policy events_delete on public.events
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy events_service on public.events
    for all to service_role
    using (true)
    with check (true);

-- event_team_members: M
grant select, insert, update, delete on table public.event_team_members
    to authenticated, service_role;
create policy event_team_members_select on public.event_team_members
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy event_team_members_insert on public.event_team_members
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy event_team_members_update on public.event_team_members
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
create policy event_team_members_delete on public.event_team_members
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy event_team_members_service on public.event_team_members
    for all to service_role
    using (true)
    with check (true);

-- event_sessions: P
grant select on table public.event_sessions to anon;
grant select, insert, update, delete on table public.event_sessions to authenticated, service_role;
create policy event_sessions_anon_select on public.event_sessions
    for select to anon
    using (
        (
            status <> 'draft'
            and exists (
                select from public.events e
                where e.id = event_sessions.event_id and e.is_public
            )
        )
    );
create policy event_sessions_select on public.event_sessions
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or (
            status <> 'draft'
            and exists (
                select from public.events e
                where e.id = event_sessions.event_id and e.is_public
            )
        )
    );
create policy event_sessions_insert on public.event_sessions
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy event_sessions_update on public.event_sessions
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
create policy event_sessions_delete on public.event_sessions
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy event_sessions_service on public.event_sessions
    for all to service_role
    using (true)
    with check (true);

-- speakers: P
grant select on table public.speakers to anon;
grant select, insert, update, delete on table public.speakers to authenticated, service_role;
create policy speakers_anon_select on public.speakers
    for select to anon
    using (is_published);
create policy speakers_select on public.speakers
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or is_published
    );
create policy speakers_insert on public.speakers
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy speakers_update on public.speakers
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
create policy speakers_delete on public.speakers
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy speakers_service on public.speakers
    for all to service_role
    using (true)
    with check (true);

-- session_speakers: P
grant select on table public.session_speakers to anon;
grant select, insert, update, delete on table public.session_speakers
    to authenticated, service_role;
create policy session_speakers_anon_select on public.session_speakers
    for select to anon
    using (
        exists (
            select from public.event_sessions s
            join public.events e on e.id = s.event_id
            where s.id = session_speakers.session_id and s.status <> 'draft' and e.is_public
        )
    );
create policy session_speakers_select on public.session_speakers
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or exists (
            select from public.event_sessions s
            join public.events e on e.id = s.event_id
            where s.id = session_speakers.session_id and s.status <> 'draft' and e.is_public
        )
    );
create policy session_speakers_insert on public.session_speakers
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy session_speakers_update on public.session_speakers
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
create policy session_speakers_delete on public.session_speakers
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy session_speakers_service on public.session_speakers
    for all to service_role
    using (true)
    with check (true);

-- session_registrations: B
-- Buyers read; they register through the API, which checks the session.
grant select, insert, update, delete on table public.session_registrations
    to authenticated, service_role;
create policy session_registrations_select on public.session_registrations
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or ticket_id = any (array(select app_private.buyer_ticket_ids()))
    );
create policy session_registrations_insert on public.session_registrations
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    );
create policy session_registrations_update on public.session_registrations
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    );
create policy session_registrations_delete on public.session_registrations
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy session_registrations_service on public.session_registrations
    for all to service_role
    using (true)
    with check (true);

-- event_status_history: S
grant select on table public.event_status_history to authenticated;
grant select, insert, update, delete on table public.event_status_history to service_role;
create policy event_status_history_select on public.event_status_history
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy event_status_history_service on public.event_status_history
    for all to service_role
    using (true)
    with check (true);

-- event_templates: M
grant select, insert, update, delete on table public.event_templates to authenticated, service_role;
create policy event_templates_select on public.event_templates
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy event_templates_insert on public.event_templates
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy event_templates_update on public.event_templates
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
create policy event_templates_delete on public.event_templates
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy event_templates_service on public.event_templates
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('event_categories', 'R', '{}', '{}', '{}', '{}', '{}'),
    ('event_series', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('events', 'P',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('event_team_members', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin,manager}', '{}'),
    ('event_sessions', 'P',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('speakers', 'P',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('session_speakers', 'P',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin,manager}', '{}'),
    ('session_registrations', 'B',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager,staff}',
        '{owner,admin,manager,staff}', '{owner,admin,manager}', '{select}'),
    ('event_status_history', 'S',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{}', '{}', '{}'),
    ('event_templates', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}');
