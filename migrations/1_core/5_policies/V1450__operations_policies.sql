-- Operations: see V1400 for the kinds of tables and the rules.

-- audit_log: S
-- For owners and admins: it holds values of tables that plain members may not read.
-- Nobody writes, the server neither: the triggers do, as the owner.
grant select on table public.audit_log to authenticated, service_role;
create policy audit_log_select on public.audit_log
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy audit_log_service on public.audit_log
    for select to service_role
    using (true);

-- integration_logs: S
grant select on table public.integration_logs to authenticated;
grant select, insert, update, delete on table public.integration_logs to service_role;
create policy integration_logs_select on public.integration_logs
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy integration_logs_service on public.integration_logs
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('audit_log', 'S', '{owner,admin}', '{}', '{}', '{}', '{}'),
    ('integration_logs', 'S',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{}', '{}', '{}');
