-- The outbox: a transaction writes down what is to be done after it, and a worker does
-- it. Nothing is called over the network while locks are held, and what is rolled back
-- has told nobody.

create function app_private.enqueue_job(
    _organization_id uuid,
    _kind text,
    _payload jsonb,
    _dedupe_key text default null,
    _run_at timestamptz default now()
)
returns void
language sql
security definer
set search_path = ''
as $$
    insert into public.scheduled_jobs (organization_id, kind, payload, dedupe_key, run_at)
    values (_organization_id, _kind, _payload, _dedupe_key, _run_at)
    on conflict do nothing
$$;

revoke all on function app_private.enqueue_job(uuid, text, jsonb, text, timestamptz) from public;
grant execute on function app_private.enqueue_job(uuid, text, jsonb, text, timestamptz)
    to service_role;

comment on function app_private.enqueue_job(uuid, text, jsonb, text, timestamptz) is
    'Puts a job into the outbox; one that waits under the same key is enough.';

create function app_private.start_workflows()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    changed jsonb := to_jsonb(new);
    happening text := tg_argv[0] || '.'
        || case tg_op when 'INSERT' then 'created' else changed ->> tg_argv[1] end;
    started record;
    run_id uuid;
begin
    for started in
        select w.id
        from public.workflows w
        where w.organization_id = new.organization_id
            and w.trigger_event = happening
            and w.enabled
            and changed @> w.conditions
        order by w.id
    loop
        -- One change of one row starts a workflow once, however often a trigger fires.
        insert into public.workflow_runs (organization_id, workflow_id, dedupe_key, input)
        values (
            new.organization_id, started.id,
            format('%s:%s:%s', happening, new.id, txid_current()),
            jsonb_build_object('event', happening, 'table', tg_table_name, 'row', changed)
        )
        on conflict (workflow_id, organization_id, dedupe_key) do nothing
        returning id into run_id;
        if run_id is not null then
            insert into public.scheduled_jobs (
                organization_id, workflow_run_id, kind, payload, dedupe_key
            )
            values (
                new.organization_id, run_id, 'workflow.run',
                jsonb_build_object('workflow_run_id', run_id), run_id::text
            )
            on conflict do nothing;
        end if;
    end loop;
    return null;
end
$$;

revoke all on function app_private.start_workflows() from public;

comment on function app_private.start_workflows() is
    'Row trigger: starts the tenant''s workflows for this happening. Arguments: the thing''s name, and the status column whose new value names the happening.';

create trigger start_workflows_insert after insert on public.events
    for each row execute function app_private.start_workflows('event', 'status');

create trigger start_workflows_update after update of status on public.events
    for each row when (old.status is distinct from new.status)
    execute function app_private.start_workflows('event', 'status');

-- Not on insert: an order is nothing before it is confirmed, and selling must be fast.
create trigger start_workflows_update after update of order_status on public.orders
    for each row when (old.order_status is distinct from new.order_status)
    execute function app_private.start_workflows('order', 'order_status');

create trigger start_workflows_insert after insert on public.deals
    for each row execute function app_private.start_workflows('deal', 'stage');

create trigger start_workflows_update after update of stage on public.deals
    for each row when (old.stage is distinct from new.stage)
    execute function app_private.start_workflows('deal', 'stage');

create trigger start_workflows_insert after insert on public.tasks
    for each row execute function app_private.start_workflows('task', 'status');

create trigger start_workflows_update after update of status on public.tasks
    for each row when (old.status is distinct from new.status)
    execute function app_private.start_workflows('task', 'status');

create trigger start_workflows_insert after insert on public.check_ins
    for each row execute function app_private.start_workflows('check_in', 'id');

-- What the platform itself does after an order is confirmed or a refund is wanted.
create function app_private.enqueue_follow_up()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform app_private.enqueue_job(
        new.organization_id, tg_argv[0], jsonb_build_object(tg_argv[1], new.id), new.id::text
    );
    return null;
end
$$;

revoke all on function app_private.enqueue_follow_up() from public;

comment on function app_private.enqueue_follow_up() is
    'Row trigger: puts a job for the row into the outbox. Arguments: the job''s kind, and the name of the id in its payload.';

create trigger deliver_tickets after update of order_status on public.orders
    for each row when (new.order_status = 'confirmed' and old.order_status = 'pending')
    execute function app_private.enqueue_follow_up('tickets.deliver', 'order_id');

create trigger execute_refund after insert on public.refunds
    for each row when (new.status = 'pending')
    execute function app_private.enqueue_follow_up('refund.execute', 'refund_id');
