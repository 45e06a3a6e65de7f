-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.ai_predictions;
drop table public.content_generations;
drop table public.ai_messages;
drop table public.ai_conversations;
drop table public.ai_agents;
