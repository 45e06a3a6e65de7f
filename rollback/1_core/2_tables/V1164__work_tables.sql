-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.scheduled_jobs;
drop table public.notifications;
drop table public.workflow_steps;
drop table public.workflow_runs;
drop table public.workflows;
drop table public.task_comments;
drop table public.tasks;
