delete from app_private.table_policies
where table_name in (
    'tasks', 'task_comments', 'workflows', 'workflow_runs', 'workflow_steps',
    'notifications', 'scheduled_jobs'
);

drop policy scheduled_jobs_service on public.scheduled_jobs;
drop policy scheduled_jobs_nobody on public.scheduled_jobs;
revoke all on table public.scheduled_jobs from anon, authenticated, service_role;

drop policy notifications_service on public.notifications;
drop policy notifications_delete on public.notifications;
drop policy notifications_update on public.notifications;
drop policy notifications_select on public.notifications;
revoke update (
    read_at
) on table public.notifications from authenticated;
revoke all on table public.notifications from anon, authenticated, service_role;

drop policy workflow_steps_service on public.workflow_steps;
drop policy workflow_steps_select on public.workflow_steps;
revoke all on table public.workflow_steps from anon, authenticated, service_role;

drop policy workflow_runs_service on public.workflow_runs;
drop policy workflow_runs_select on public.workflow_runs;
revoke all on table public.workflow_runs from anon, authenticated, service_role;

drop policy workflows_service on public.workflows;
drop policy workflows_delete on public.workflows;
drop policy workflows_update on public.workflows;
drop policy workflows_insert on public.workflows;
drop policy workflows_select on public.workflows;
revoke all on table public.workflows from anon, authenticated, service_role;

drop policy task_comments_service on public.task_comments;
drop policy task_comments_delete on public.task_comments;
drop policy task_comments_update on public.task_comments;
drop policy task_comments_insert on public.task_comments;
drop policy task_comments_select on public.task_comments;
revoke update (
    body
) on table public.task_comments from authenticated;
revoke all on table public.task_comments from anon, authenticated, service_role;

drop policy tasks_service on public.tasks;
drop policy tasks_delete on public.tasks;
drop policy tasks_update on public.tasks;
drop policy tasks_insert on public.tasks;
drop policy tasks_select on public.tasks;
revoke all on table public.tasks from anon, authenticated, service_role;
