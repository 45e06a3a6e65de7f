-- AI: see V1200 for what is indexed and why.

create index ai_conversations_agent_idx on public.ai_conversations (agent_id, organization_id);
create index ai_conversations_member_idx on public.ai_conversations (user_id, organization_id);

-- A conversation in order.
create index ai_messages_conversation_idx
    on public.ai_messages (conversation_id, organization_id, user_id, created_at);

create index ai_messages_user_idx on public.ai_messages (user_id);
create index content_generations_event_idx
    on public.content_generations (event_id, organization_id);
create index content_generations_agent_idx
    on public.content_generations (agent_id, organization_id);
create index content_generations_creator_idx on public.content_generations (created_by);
create index ai_predictions_event_idx on public.ai_predictions (event_id, organization_id);

-- The latest forecast of something.
create index ai_predictions_subject_idx
    on public.ai_predictions (subject_id, metric, created_at);
