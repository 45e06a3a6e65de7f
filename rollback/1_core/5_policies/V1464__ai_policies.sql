delete from app_private.table_policies
where table_name in (
    'ai_agents', 'ai_conversations', 'ai_messages', 'content_generations', 'ai_predictions'
);

drop policy ai_predictions_service on public.ai_predictions;
drop policy ai_predictions_select on public.ai_predictions;
revoke all on table public.ai_predictions from anon, authenticated, service_role;

drop policy content_generations_service on public.content_generations;
drop policy content_generations_delete on public.content_generations;
drop policy content_generations_update on public.content_generations;
drop policy content_generations_insert on public.content_generations;
drop policy content_generations_select on public.content_generations;
revoke insert (
    id, organization_id, event_id, agent_id, kind, prompt, created_by
) on table public.content_generations from authenticated;
revoke update (
    event_id, output, status
) on table public.content_generations from authenticated;
revoke all on table public.content_generations from anon, authenticated, service_role;

drop policy ai_messages_service on public.ai_messages;
drop policy ai_messages_insert on public.ai_messages;
drop policy ai_messages_select on public.ai_messages;
revoke insert (
    id, organization_id, conversation_id, user_id, role, content
) on table public.ai_messages from authenticated;
revoke all on table public.ai_messages from anon, authenticated, service_role;

drop policy ai_conversations_service on public.ai_conversations;
drop policy ai_conversations_delete on public.ai_conversations;
drop policy ai_conversations_update on public.ai_conversations;
drop policy ai_conversations_insert on public.ai_conversations;
drop policy ai_conversations_select on public.ai_conversations;
revoke update (
    title, status
) on table public.ai_conversations from authenticated;
revoke all on table public.ai_conversations from anon, authenticated, service_role;

drop policy ai_agents_service on public.ai_agents;
drop policy ai_agents_delete on public.ai_agents;
drop policy ai_agents_update on public.ai_agents;
drop policy ai_agents_insert on public.ai_agents;
drop policy ai_agents_select on public.ai_agents;
revoke all on table public.ai_agents from anon, authenticated, service_role;
