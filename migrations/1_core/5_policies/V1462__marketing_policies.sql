-- Marketing: see V1400 for the kinds of tables and the rules.

-- audience_segments: M
grant select, insert, update, delete on table public.audience_segments
    to authenticated, service_role;
create policy audience_segments_select on public.audience_segments
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy audience_segments_insert on public.audience_segments
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy audience_segments_update on public.audience_segments
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
create policy audience_segments_delete on public.audience_segments
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy audience_segments_service on public.audience_segments
    for all to service_role
    using (true)
    with check (true);

-- email_templates: M
grant select, insert, update, delete on table public.email_templates
    to authenticated, service_role;
create policy email_templates_select on public.email_templates
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy email_templates_insert on public.email_templates
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy email_templates_update on public.email_templates
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
create policy email_templates_delete on public.email_templates
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy email_templates_service on public.email_templates
    for all to service_role
    using (true)
    with check (true);

-- campaigns: M
grant select, insert, update, delete on table public.campaigns to authenticated, service_role;
create policy campaigns_select on public.campaigns
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy campaigns_insert on public.campaigns
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy campaigns_update on public.campaigns
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
create policy campaigns_delete on public.campaigns
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy campaigns_service on public.campaigns
    for all to service_role
    using (true)
    with check (true);

-- email_sends: S
grant select on table public.email_sends to authenticated;
grant select, insert, update, delete on table public.email_sends to service_role;
create policy email_sends_select on public.email_sends
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy email_sends_service on public.email_sends
    for all to service_role
    using (true)
    with check (true);

-- social_posts: M
grant select, insert, update, delete on table public.social_posts to authenticated, service_role;
create policy social_posts_select on public.social_posts
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy social_posts_insert on public.social_posts
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy social_posts_update on public.social_posts
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
create policy social_posts_delete on public.social_posts
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy social_posts_service on public.social_posts
    for all to service_role
    using (true)
    with check (true);

-- marketing_attributions: S
grant select on table public.marketing_attributions to authenticated;
grant select, insert, update, delete on table public.marketing_attributions to service_role;
create policy marketing_attributions_select on public.marketing_attributions
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy marketing_attributions_service on public.marketing_attributions
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('audience_segments', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('email_templates', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('campaigns', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('email_sends', 'S', '{owner,admin,manager,finance,staff,member}', '{}', '{}', '{}', '{}'),
    ('social_posts', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('marketing_attributions', 'S',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{}', '{}', '{}');
