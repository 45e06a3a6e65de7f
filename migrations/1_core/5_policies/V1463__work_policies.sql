-- Work and automation: see V1400 for the kinds of tables and the rules.

-- tasks: M
grant select, insert, update, delete on table public.tasks to authenticated, service_role;
create policy tasks_select on public.tasks
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy tasks_insert on public.tasks
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance', 'staff'])
        ))
    );
create policy tasks_update on public.tasks
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
create policy tasks_delete on public.tasks
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy tasks_service on public.tasks
    for all to service_role
    using (true)
    with check (true);

-- task_comments: M
-- Every member may speak, and change his own words; owners and admins may remove any.
grant select, insert, delete on table public.task_comments to authenticated;
grant update (
    body
) on table public.task_comments to authenticated;
grant select, insert, update, delete on table public.task_comments to service_role;
create policy task_comments_select on public.task_comments
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy task_comments_insert on public.task_comments
    for insert to authenticated
    with check (
        author_id = (select auth.uid())
        and organization_id = any (array(select app_private.member_org_ids()))
    );
create policy task_comments_update on public.task_comments
    for update to authenticated
    using (
        author_id = (select auth.uid())
        and organization_id = any (array(select app_private.member_org_ids()))
    )
    with check (
        author_id = (select auth.uid())
        and organization_id = any (array(select app_private.member_org_ids()))
    );
create policy task_comments_delete on public.task_comments
    for delete to authenticated
    using (
        (
            author_id = (select auth.uid())
            and organization_id = any (array(select app_private.member_org_ids()))
        )
        or organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy task_comments_service on public.task_comments
    for all to service_role
    using (true)
    with check (true);

-- workflows: M
grant select, insert, update, delete on table public.workflows to authenticated, service_role;
create policy workflows_select on public.workflows
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy workflows_insert on public.workflows
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy workflows_update on public.workflows
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
create policy workflows_delete on public.workflows
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy workflows_service on public.workflows
    for all to service_role
    using (true)
    with check (true);

-- workflow_runs: S
grant select on table public.workflow_runs to authenticated;
grant select, insert, update, delete on table public.workflow_runs to service_role;
create policy workflow_runs_select on public.workflow_runs
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy workflow_runs_service on public.workflow_runs
    for all to service_role
    using (true)
    with check (true);

-- workflow_steps: S
grant select on table public.workflow_steps to authenticated;
grant select, insert, update, delete on table public.workflow_steps to service_role;
create policy workflow_steps_select on public.workflow_steps
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy workflow_steps_service on public.workflow_steps
    for all to service_role
    using (true)
    with check (true);

-- notifications: O
-- The server writes them; the reader ticks them off, or throws them away.
grant select, delete on table public.notifications to authenticated;
grant update (
    read_at
) on table public.notifications to authenticated;
grant select, insert, update, delete on table public.notifications to service_role;
create policy notifications_select on public.notifications
    for select to authenticated
    using (user_id = (select auth.uid()));
create policy notifications_update on public.notifications
    for update to authenticated
    using (user_id = (select auth.uid()))
    with check (user_id = (select auth.uid()));
create policy notifications_delete on public.notifications
    for delete to authenticated
    using (user_id = (select auth.uid()));
create policy notifications_service on public.notifications
    for all to service_role
    using (true)
    with check (true);

-- scheduled_jobs: X
grant select, insert, update, delete on table public.scheduled_jobs to service_role;
create policy scheduled_jobs_nobody on public.scheduled_jobs
    for all to anon, authenticated
    using (false)
    with check (false);
create policy scheduled_jobs_service on public.scheduled_jobs
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('tasks', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager,finance,staff}',
        '{owner,admin,manager,finance,staff}', '{owner,admin,manager}', '{}'),
    ('task_comments', 'M',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{}', '{owner,admin}', '{insert,update,delete}'),
    ('workflows', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('workflow_runs', 'S', '{owner,admin,manager,finance,staff,member}', '{}', '{}', '{}', '{}'),
    ('workflow_steps', 'S', '{owner,admin,manager,finance,staff,member}', '{}', '{}', '{}', '{}'),
    ('notifications', 'O', '{}', '{}', '{}', '{}', '{select,update,delete}'),
    ('scheduled_jobs', 'X', '{}', '{}', '{}', '{}', '{}');
