-- Work that people do (tasks) and work that is done for them (workflows, jobs).

create table public.tasks (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid,
    title text not null
        check (btrim(title) <> '' and char_length(title) <= 200),
    description text
        check (char_length(description) <= 10000),
    status text not null default 'todo'
        check (status in ('todo', 'in_progress', 'blocked', 'done', 'cancelled')),
    priority text not null default 'medium'
        check (priority in ('low', 'medium', 'high', 'urgent')),
    assignee_id uuid,
    created_by uuid,
    due_date timestamptz,
    depends_on uuid,
    completed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tasks_tenant_key unique (organization_id, id),
    constraint tasks_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint tasks_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint tasks_assignee_fkey foreign key (assignee_id, organization_id)
        references public.organization_members (user_id, organization_id),
    constraint tasks_creator_fkey foreign key (created_by)
        references public.profiles (id) on delete set null,
    constraint tasks_depends_on_fkey foreign key (depends_on, organization_id)
        references public.tasks (id, organization_id),
    constraint tasks_depends_on_check check (depends_on <> id),
    constraint tasks_completed_check check (completed_at is null or status = 'done')
);

comment on table public.tasks is
    'What is to be done, for an event or for the tenant as a whole.';
comment on column public.tasks.assignee_id is
    'The member who does it; null: nobody yet, or he left.';
comment on column public.tasks.depends_on is
    'The task of the same tenant that must be done first.';

create table public.task_comments (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    task_id uuid not null,
    author_id uuid,
    body text not null
        check (btrim(body) <> '' and char_length(body) <= 10000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint task_comments_tenant_key unique (organization_id, id),
    constraint task_comments_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint task_comments_task_fkey foreign key (task_id, organization_id)
        references public.tasks (id, organization_id) on delete cascade,
    constraint task_comments_author_fkey foreign key (author_id)
        references public.profiles (id) on delete set null
);

comment on table public.task_comments is
    'Discussion of a task, oldest first.';
comment on column public.task_comments.author_id is
    'Null: written by the server, or the account is gone.';

create table public.workflows (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    description text
        check (char_length(description) <= 2000),
    trigger_event text not null
        check (trigger_event ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$'
            and char_length(trigger_event) <= 100),
    conditions jsonb not null default '{}'
        check (jsonb_typeof(conditions) = 'object'),
    actions jsonb not null default '[]'
        check (jsonb_typeof(actions) = 'array'),
    enabled boolean not null default true,
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint workflows_tenant_key unique (organization_id, id),
    constraint workflows_name_key unique (organization_id, name),
    constraint workflows_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint workflows_creator_fkey foreign key (created_by)
        references public.profiles (id) on delete set null
);

comment on table public.workflows is
    'Automation: when this happens, and that holds, do the following.';
comment on column public.workflows.trigger_event is
    'What starts it: thing and happening, joined by a dot (order.confirmed).';
comment on column public.workflows.conditions is
    'Field -> value that the row must have; an empty object is always true.';
comment on column public.workflows.actions is
    'List of objects, each with a kind and its parameters; one step of a run each.';

create table public.workflow_runs (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    workflow_id uuid not null,
    dedupe_key text
        check (btrim(dedupe_key) <> '' and char_length(dedupe_key) <= 200),
    status text not null default 'queued'
        check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    input jsonb not null default '{}'
        check (jsonb_typeof(input) = 'object'),
    error text
        check (char_length(error) <= 10000),
    attempts integer not null default 0
        check (attempts >= 0),
    started_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint workflow_runs_tenant_key unique (organization_id, id),
    constraint workflow_runs_dedupe_key unique (workflow_id, organization_id, dedupe_key),
    constraint workflow_runs_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint workflow_runs_workflow_fkey foreign key (workflow_id, organization_id)
        references public.workflows (id, organization_id) on delete cascade,
    constraint workflow_runs_finished_check
        check (finished_at is null or status in ('succeeded', 'failed', 'cancelled')),
    constraint workflow_runs_times_check check (finished_at >= started_at)
);

comment on table public.workflow_runs is
    'Each time a workflow was started; written by the server.';
comment on column public.workflow_runs.dedupe_key is
    'Names the happening that started it: the same one starts the workflow once.';
comment on column public.workflow_runs.input is
    'What happened to which row, as the steps need it; no secrets.';

create table public.workflow_steps (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    run_id uuid not null,
    seq integer not null
        check (seq > 0),
    action text not null
        check (action ~ '^[a-z][a-z0-9_]{0,62}$'),
    status text not null default 'pending'
        check (status in ('pending', 'running', 'succeeded', 'failed', 'skipped')),
    output jsonb
        check (jsonb_typeof(output) = 'object'),
    error text
        check (char_length(error) <= 10000),
    started_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint workflow_steps_tenant_key unique (organization_id, id),
    constraint workflow_steps_seq_key unique (run_id, organization_id, seq),
    constraint workflow_steps_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint workflow_steps_run_fkey foreign key (run_id, organization_id)
        references public.workflow_runs (id, organization_id) on delete cascade,
    constraint workflow_steps_times_check check (finished_at >= started_at)
);

comment on table public.workflow_steps is
    'The actions of a run, in order; written by the server.';

create table public.notifications (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    user_id uuid not null,
    kind text not null
        check (kind ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*$' and char_length(kind) <= 100),
    title text not null
        check (btrim(title) <> '' and char_length(title) <= 200),
    body text
        check (char_length(body) <= 5000),
    data jsonb not null default '{}'
        check (jsonb_typeof(data) = 'object'),
    read_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint notifications_tenant_key unique (organization_id, id),
    constraint notifications_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint notifications_user_fkey foreign key (user_id)
        references public.profiles (id) on delete cascade
);

comment on table public.notifications is
    'Messages to one account within the application: to a member, or to a buyer.';
comment on column public.notifications.read_at is
    'Null: not read yet.';

create table public.scheduled_jobs (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid,
    workflow_run_id uuid,
    kind text not null
        check (kind ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*$' and char_length(kind) <= 100),
    payload jsonb not null default '{}'
        check (jsonb_typeof(payload) = 'object'),
    dedupe_key text
        check (btrim(dedupe_key) <> '' and char_length(dedupe_key) <= 200),
    status text not null default 'queued'
        check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    run_at timestamptz not null default now(),
    attempts integer not null default 0
        check (attempts >= 0),
    max_attempts integer not null default 5
        check (max_attempts > 0),
    locked_by text
        check (btrim(locked_by) <> '' and char_length(locked_by) <= 200),
    locked_at timestamptz,
    last_error text
        check (char_length(last_error) <= 10000),
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint scheduled_jobs_tenant_key unique (organization_id, id),
    constraint scheduled_jobs_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint scheduled_jobs_run_fkey foreign key (workflow_run_id, organization_id)
        references public.workflow_runs (id, organization_id) on delete cascade,
    -- Without a tenant the two-column key to the run would go unchecked.
    constraint scheduled_jobs_run_check
        check (workflow_run_id is null or organization_id is not null),
    constraint scheduled_jobs_lock_check check ((locked_by is null) = (locked_at is null)),
    constraint scheduled_jobs_running_check check (status <> 'running' or locked_by is not null)
);

comment on table public.scheduled_jobs is
    'The outbox: what a transaction wants done after it, picked up by a worker. Server only.';
comment on column public.scheduled_jobs.organization_id is
    'Null: a job of the platform, for no tenant.';
comment on column public.scheduled_jobs.dedupe_key is
    'At most one job of a kind waits or runs under the same key.';
comment on column public.scheduled_jobs.run_at is
    'Not before; moved on after each failure.';
comment on column public.scheduled_jobs.locked_by is
    'The worker that has it; a lock much older than the job should take is void.';

revoke all on table
    public.tasks,
    public.task_comments,
    public.workflows,
    public.workflow_runs,
    public.workflow_steps,
    public.notifications,
    public.scheduled_jobs
from public, anon, authenticated, service_role;
