-- Work and automation: see V1200 for what is indexed and why.

-- What a tenant has to do, by due date; also what is overdue.
create index tasks_open_due_idx on public.tasks (organization_id, due_date)
    where status not in ('done', 'cancelled');

create index tasks_event_idx on public.tasks (event_id, organization_id);
create index tasks_assignee_idx on public.tasks (assignee_id, organization_id, due_date);
create index tasks_creator_idx on public.tasks (created_by);
create index tasks_depends_on_idx on public.tasks (depends_on, organization_id);
create index task_comments_task_idx
    on public.task_comments (task_id, organization_id, created_at);
create index task_comments_author_idx on public.task_comments (author_id);
create index workflows_creator_idx on public.workflows (created_by);

-- What a happening starts.
create index workflows_trigger_idx on public.workflows (organization_id, trigger_event)
    where enabled;

-- A tenant's latest runs.
create index workflow_runs_organization_created_idx
    on public.workflow_runs (organization_id, created_at);

-- One's own messages, newest first; and how many are unread.
create index notifications_user_idx on public.notifications (user_id, created_at);
create index notifications_unread_idx on public.notifications (user_id)
    where read_at is null;

create index scheduled_jobs_run_idx on public.scheduled_jobs (workflow_run_id, organization_id);

-- What is due, and what a worker may have died over.
create index scheduled_jobs_due_idx on public.scheduled_jobs (run_at)
    where status = 'queued';
create index scheduled_jobs_locked_idx on public.scheduled_jobs (locked_at)
    where status = 'running';

-- The same thing waits or runs once.
create unique index scheduled_jobs_dedupe_idx on public.scheduled_jobs (kind, dedupe_key)
    where status in ('queued', 'running');
