-- AI: see V1400 for the kinds of tables and the rules.

-- ai_agents: M
grant select, insert, update, delete on table public.ai_agents to authenticated, service_role;
create policy ai_agents_select on public.ai_agents
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy ai_agents_insert on public.ai_agents
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy ai_agents_update on public.ai_agents
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
create policy ai_agents_delete on public.ai_agents
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy ai_agents_service on public.ai_agents
    for all to service_role
    using (true)
    with check (true);

-- ai_conversations: O
-- While a member, that is: one who was suspended reads nothing of the tenant.
grant select, insert, delete on table public.ai_conversations to authenticated;
grant update (
    title, status
) on table public.ai_conversations to authenticated;
grant select, insert, update, delete on table public.ai_conversations to service_role;
create policy ai_conversations_select on public.ai_conversations
    for select to authenticated
    using (
        user_id = (select auth.uid())
        and organization_id = any (array(select app_private.member_org_ids()))
    );
create policy ai_conversations_insert on public.ai_conversations
    for insert to authenticated
    with check (
        user_id = (select auth.uid())
        and organization_id = any (array(select app_private.member_org_ids()))
    );
create policy ai_conversations_update on public.ai_conversations
    for update to authenticated
    using (
        user_id = (select auth.uid())
        and organization_id = any (array(select app_private.member_org_ids()))
    )
    with check (
        user_id = (select auth.uid())
        and organization_id = any (array(select app_private.member_org_ids()))
    );
create policy ai_conversations_delete on public.ai_conversations
    for delete to authenticated
    using (
        user_id = (select auth.uid())
        and organization_id = any (array(select app_private.member_org_ids()))
    );
create policy ai_conversations_service on public.ai_conversations
    for all to service_role
    using (true)
    with check (true);

-- ai_messages: O
-- A person speaks as user only; the answers, and the tokens, are the server's. What was
-- said stays until the conversation goes.
grant select on table public.ai_messages to authenticated;
grant insert (
    id, organization_id, conversation_id, user_id, role, content
) on table public.ai_messages to authenticated;
grant select, insert, update, delete on table public.ai_messages to service_role;
create policy ai_messages_select on public.ai_messages
    for select to authenticated
    using (
        user_id = (select auth.uid())
        and organization_id = any (array(select app_private.member_org_ids()))
    );
create policy ai_messages_insert on public.ai_messages
    for insert to authenticated
    with check (
        role = 'user'
        and user_id = (select auth.uid())
        and organization_id = any (array(select app_private.member_org_ids()))
    );
create policy ai_messages_service on public.ai_messages
    for all to service_role
    using (true)
    with check (true);

-- content_generations: M
-- Members ask, and decide on the answer; model, tokens and cost are the server's.
grant select, delete on table public.content_generations to authenticated;
grant insert (
    id, organization_id, event_id, agent_id, kind, prompt, created_by
) on table public.content_generations to authenticated;
grant update (
    event_id, output, status
) on table public.content_generations to authenticated;
grant select, insert, update, delete on table public.content_generations to service_role;
create policy content_generations_select on public.content_generations
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy content_generations_insert on public.content_generations
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy content_generations_update on public.content_generations
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
create policy content_generations_delete on public.content_generations
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy content_generations_service on public.content_generations
    for all to service_role
    using (true)
    with check (true);

-- ai_predictions: S
grant select on table public.ai_predictions to authenticated;
grant select, insert, update, delete on table public.ai_predictions to service_role;
create policy ai_predictions_select on public.ai_predictions
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy ai_predictions_service on public.ai_predictions
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('ai_agents', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('ai_conversations', 'O', '{}', '{}', '{}', '{}', '{select,insert,update,delete}'),
    ('ai_messages', 'O', '{}', '{}', '{}', '{}', '{select,insert}'),
    ('content_generations', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('ai_predictions', 'S', '{owner,admin,manager,finance,staff,member}', '{}', '{}', '{}', '{}');
