-- What the edge functions workflow-automation, dynamic-pricing-engine,
-- ai-content-generator and analytics-processor call. Server only.

create function app_private.claim_jobs(
    _worker text,
    _limit integer default 10,
    _kinds text[] default null,
    _lease interval default interval '5 minutes'
)
returns setof public.scheduled_jobs
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- A worker that died has used up an attempt; who has none left is given up.
    update public.scheduled_jobs j
    set status = 'failed', finished_at = now(), locked_by = null, locked_at = null,
        last_error = coalesce(j.last_error, 'The worker did not come back.')
    where j.id in (
        select d.id
        from public.scheduled_jobs d
        where d.status = 'running'
            and d.locked_at < now() - _lease
            and d.attempts >= d.max_attempts
        for no key update skip locked
    );

    return query
    update public.scheduled_jobs j
    set status = 'running', attempts = j.attempts + 1, locked_by = _worker, locked_at = now()
    where j.id in (
        select d.id
        from public.scheduled_jobs d
        where (_kinds is null or d.kind = any (_kinds))
            and (
                (d.status = 'queued' and d.run_at <= now())
                or (d.status = 'running' and d.locked_at < now() - _lease)
            )
        order by d.run_at, d.id
        limit least(_limit, 1000)
        for no key update skip locked
    )
    returning j.*;
end
$$;

revoke all on function app_private.claim_jobs(text, integer, text[], interval) from public;
grant execute on function app_private.claim_jobs(text, integer, text[], interval) to service_role;

comment on function app_private.claim_jobs(text, integer, text[], interval) is
    'Hands due jobs to a worker; no two workers get the same one. A job whose worker was silent for the lease is due again.';

create function app_private.finish_job(_job_id uuid, _worker text, _error text default null)
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
    outcome text;
    run_id uuid;
begin
    update public.scheduled_jobs j
    set status = case
            when _error is null then 'succeeded'
            when j.attempts >= j.max_attempts then 'failed'
            else 'queued'
        end,
        finished_at = case
            when _error is null or j.attempts >= j.max_attempts then now()
        end,
        -- One minute, two, four, ... a day.
        run_at = case
            when _error is null then j.run_at
            else now() + least(interval '1 minute' * 2 ^ least(j.attempts - 1, 20), interval '1 day')
        end,
        last_error = left(_error, 10000),
        locked_by = null,
        locked_at = null
    where j.id = _job_id and j.status = 'running' and j.locked_by = _worker
    returning j.status, j.workflow_run_id into outcome, run_id;
    if outcome is null then
        perform app_private.fail(
            409, 'job_not_held', 'the job is not held by this worker',
            'Another worker took it over: drop the result.',
            jsonb_build_object('job_id', _job_id)
        );
    end if;
    if run_id is not null then
        update public.workflow_runs r
        set status = outcome,
            attempts = r.attempts + 1,
            error = left(_error, 10000),
            started_at = coalesce(r.started_at, now()),
            finished_at = case when outcome in ('succeeded', 'failed') then now() end
        where r.id = run_id;
    end if;
    return outcome;
end
$$;

revoke all on function app_private.finish_job(uuid, text, text) from public;
grant execute on function app_private.finish_job(uuid, text, text) to service_role;

comment on function app_private.finish_job(uuid, text, text) is
    'Reports a job done, or failed: then it is queued again, later each time, up to max_attempts; returns its status.';

create function app_private.apply_prices(_event_id uuid default null, _source text default 'rule')
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    moved record;
    changed integer := 0;
begin
    perform set_config('app.price_source', _source, true);
    perform set_config('app.price_reason', 'A pricing rule of kind manual is in force.', true);
    -- Rules of the other kinds depend on the order or the hour and are applied when an
    -- order is priced; a manual one is the new list price.
    for moved in
        select c.id, p.price_cents
        from public.ticket_categories c
        cross join lateral (
            select least(
                coalesce(r.max_cents, 9223372036854775807),
                greatest(coalesce(r.min_cents, 0), (r.params ->> 'price_cents')::bigint)
            ) as price_cents
            from public.pricing_rules r
            where r.category_id = c.id
                and r.organization_id = c.organization_id
                and r.kind = 'manual'
                and r.is_active
                and r.params ? 'price_cents'
                and coalesce((r.params ->> 'from')::timestamptz <= now(), true)
                and coalesce((r.params ->> 'until')::timestamptz > now(), true)
            order by r.priority desc, r.id
            limit 1
        ) p
        where (_event_id is null or c.event_id = _event_id)
            and c.status in ('draft', 'on_sale', 'paused')
            and p.price_cents <> c.price_cents
        order by c.id
    loop
        update public.ticket_categories c set price_cents = moved.price_cents where c.id = moved.id;
        changed := changed + 1;
    end loop;
    perform set_config('app.price_source', '', true);
    perform set_config('app.price_reason', '', true);
    return changed;
end
$$;

revoke all on function app_private.apply_prices(uuid, text) from public;
grant execute on function app_private.apply_prices(uuid, text) to service_role;

comment on function app_private.apply_prices(uuid, text) is
    'Makes prices of manual pricing rules the list prices, with history; returns how many changed.';

create function app_private.set_price(
    _category_id uuid,
    _price_cents bigint,
    _reason text,
    _source text default 'engine'
)
returns bigint
language plpgsql
security definer
set search_path = ''
as $$
declare
    bounded bigint;
begin
    select greatest(coalesce(max(r.min_cents), 0),
        least(coalesce(min(r.max_cents), 9223372036854775807), _price_cents))
    into bounded
    from public.pricing_rules r
    where r.category_id = _category_id and r.is_active;
    perform set_config('app.price_source', _source, true);
    perform set_config('app.price_reason', left(coalesce(_reason, ''), 2000), true);
    update public.ticket_categories c
    set price_cents = bounded
    where c.id = _category_id and c.price_cents <> bounded;
    perform set_config('app.price_source', '', true);
    perform set_config('app.price_reason', '', true);
    return bounded;
end
$$;

revoke all on function app_private.set_price(uuid, bigint, text, text) from public;
grant execute on function app_private.set_price(uuid, bigint, text, text) to service_role;

comment on function app_private.set_price(uuid, bigint, text, text) is
    'Sets a category''s price within the bounds of its active pricing rules, with history; returns the price.';

-- The API exposes schema public alone, so that each has a door there, for servers only.

create function public.claim_jobs(
    worker text,
    max_jobs integer default 10,
    kinds text[] default null
)
returns setof public.scheduled_jobs
language plpgsql
set search_path = ''
as $$
begin
    return query select * from app_private.claim_jobs(worker, max_jobs, kinds);
end
$$;

create function public.finish_job(job_id uuid, worker text, error text default null)
returns text
language plpgsql
set search_path = ''
as $$
begin
    return app_private.finish_job(job_id, worker, error);
end
$$;

create function public.set_ticket_price(
    ticket_category_id uuid,
    price_cents bigint,
    reason text default null
)
returns bigint
language plpgsql
set search_path = ''
as $$
begin
    return app_private.set_price(ticket_category_id, price_cents, reason);
end
$$;

create function public.run_maintenance()
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    return jsonb_build_object(
        'orders_expired', app_private.expire_orders(),
        'webhooks_retried', app_private.retry_payment_webhooks(),
        'prices_applied', app_private.apply_prices()
    );
end
$$;

create function public.refresh_kpis(
    grain text default 'day',
    day date default null,
    organization_id uuid default null
)
returns integer
language plpgsql
set search_path = ''
as $$
begin
    return app_private.refresh_kpis(grain, day, organization_id);
end
$$;

revoke all on function public.claim_jobs(text, integer, text[])
    from public, anon, authenticated, service_role;
revoke all on function public.finish_job(uuid, text, text)
    from public, anon, authenticated, service_role;
revoke all on function public.set_ticket_price(uuid, bigint, text)
    from public, anon, authenticated, service_role;
revoke all on function public.run_maintenance() from public, anon, authenticated, service_role;
revoke all on function public.refresh_kpis(text, date, uuid)
    from public, anon, authenticated, service_role;
grant execute on function public.claim_jobs(text, integer, text[]) to service_role;
grant execute on function public.finish_job(uuid, text, text) to service_role;
grant execute on function public.set_ticket_price(uuid, bigint, text) to service_role;
grant execute on function public.run_maintenance() to service_role;
grant execute on function public.refresh_kpis(text, date, uuid) to service_role;

comment on function public.claim_jobs(text, integer, text[]) is
    'Server only: takes due jobs from the outbox for a worker.';
comment on function public.finish_job(uuid, text, text) is
    'Server only: reports a job done, or failed with an error; returns its status.';
comment on function public.set_ticket_price(uuid, bigint, text) is
    'Server only: the dynamic pricing engine''s price, bounded by the pricing rules.';
comment on function public.run_maintenance() is
    'Server only, every minute: expires unpaid orders, retries webhooks, applies manual prices.';
comment on function public.refresh_kpis(text, date, uuid) is
    'Server only: rolls key figures up into kpi_snapshots.';
