-- Exactly the rows that V3240 made, by their ids, children first.

delete from public.dashboards
where id between '5a000000-00b4-4000-8000-000000000000' and '5a000000-00b4-4000-8000-ffffffffffff';

delete from public.kpi_snapshots
where id between '5a000000-00b3-4000-8000-000000000000' and '5a000000-00b3-4000-8000-ffffffffffff';

delete from public.analytics_events
where id between '5a000000-00b2-4000-8000-000000000000' and '5a000000-00b2-4000-8000-ffffffffffff';

delete from public.survey_responses
where id between '5a000000-00b1-4000-8000-000000000000' and '5a000000-00b1-4000-8000-ffffffffffff';

delete from public.surveys
where id between '5a000000-00b0-4000-8000-000000000000' and '5a000000-00b0-4000-8000-ffffffffffff';

delete from public.files
where id between '5a000000-00a4-4000-8000-000000000000' and '5a000000-00a4-4000-8000-ffffffffffff';

delete from public.payment_webhook_events
where id between '5a000000-0054-4000-8000-000000000000' and '5a000000-0054-4000-8000-ffffffffffff';

delete from public.webhook_deliveries
where id between '5a000000-00a3-4000-8000-000000000000' and '5a000000-00a3-4000-8000-ffffffffffff';

delete from public.webhook_endpoints
where id between '5a000000-00a2-4000-8000-000000000000' and '5a000000-00a2-4000-8000-ffffffffffff';

delete from public.integration_logs
where id between '5a000000-00a1-4000-8000-000000000000' and '5a000000-00a1-4000-8000-ffffffffffff';

delete from public.integrations
where id between '5a000000-00a0-4000-8000-000000000000' and '5a000000-00a0-4000-8000-ffffffffffff';

delete from public.ai_predictions
where id between '5a000000-0094-4000-8000-000000000000' and '5a000000-0094-4000-8000-ffffffffffff';

delete from public.content_generations
where id between '5a000000-0093-4000-8000-000000000000' and '5a000000-0093-4000-8000-ffffffffffff';

delete from public.ai_messages
where id between '5a000000-0092-4000-8000-000000000000' and '5a000000-0092-4000-8000-ffffffffffff';

delete from public.ai_conversations
where id between '5a000000-0091-4000-8000-000000000000' and '5a000000-0091-4000-8000-ffffffffffff';

delete from public.ai_agents
where id between '5a000000-0090-4000-8000-000000000000' and '5a000000-0090-4000-8000-ffffffffffff';

delete from public.notifications
where id between '5a000000-0085-4000-8000-000000000000' and '5a000000-0085-4000-8000-ffffffffffff';

delete from public.workflow_steps
where id between '5a000000-0084-4000-8000-000000000000' and '5a000000-0084-4000-8000-ffffffffffff';

delete from public.workflow_runs
where id between '5a000000-0083-4000-8000-000000000000' and '5a000000-0083-4000-8000-ffffffffffff';

delete from public.workflows
where id between '5a000000-0082-4000-8000-000000000000' and '5a000000-0082-4000-8000-ffffffffffff';

delete from public.task_comments
where id between '5a000000-0081-4000-8000-000000000000' and '5a000000-0081-4000-8000-ffffffffffff';

delete from public.tasks
where id between '5a000000-0080-4000-8000-000000000000' and '5a000000-0080-4000-8000-ffffffffffff';

delete from public.marketing_attributions
where id between '5a000000-0075-4000-8000-000000000000' and '5a000000-0075-4000-8000-ffffffffffff';

delete from public.social_posts
where id between '5a000000-0074-4000-8000-000000000000' and '5a000000-0074-4000-8000-ffffffffffff';

delete from public.email_sends
where id between '5a000000-0073-4000-8000-000000000000' and '5a000000-0073-4000-8000-ffffffffffff';

delete from public.campaigns
where id between '5a000000-0072-4000-8000-000000000000' and '5a000000-0072-4000-8000-ffffffffffff';

delete from public.email_templates
where id between '5a000000-0071-4000-8000-000000000000' and '5a000000-0071-4000-8000-ffffffffffff';

delete from public.audience_segments
where id between '5a000000-0070-4000-8000-000000000000' and '5a000000-0070-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('ai_agents', 'ai_conversations', 'ai_messages', 'ai_predictions', 'audience_segments', 'campaigns', 'content_generations', 'dashboards', 'email_sends', 'email_templates', 'files', 'integration_logs', 'integrations', 'kpi_snapshots', 'marketing_attributions', 'notifications', 'payment_webhook_events', 'social_posts', 'survey_responses', 'surveys', 'task_comments', 'tasks', 'webhook_deliveries', 'webhook_endpoints', 'workflow_runs', 'workflow_steps', 'workflows')
    and record_id like '5a000000-%';
