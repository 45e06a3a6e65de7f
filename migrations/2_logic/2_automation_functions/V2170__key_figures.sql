-- The 25 key figures: computed in one place, stored per period, and shown together.

create function app_private.period_start(_grain text, _day date)
returns date
language sql
immutable
set search_path = ''
as $$
    select case
        when _grain = 'all' then date '1970-01-01'
        else date_trunc(_grain, _day::timestamp)::date
    end
$$;

create function app_private.period_end(_grain text, _day date)
returns date
language sql
immutable
set search_path = ''
as $$
    select case _grain
        when 'all' then date '9999-01-01'
        else (date_trunc(_grain, _day::timestamp) + case _grain
            when 'day' then interval '1 day'
            when 'week' then interval '7 days'
            when 'month' then interval '1 month'
            when 'quarter' then interval '3 months'
            else interval '1 year'
        end)::date
    end
$$;

revoke all on function app_private.period_start(text, date) from public;
revoke all on function app_private.period_end(text, date) from public;
grant execute on function app_private.period_start(text, date) to authenticated, service_role;
grant execute on function app_private.period_end(text, date) to authenticated, service_role;

comment on function app_private.period_start(text, date) is
    'First day of the period of that grain in which the day lies.';
comment on function app_private.period_end(text, date) is
    'First day after the period of that grain in which the day lies.';

-- SECURITY INVOKER: members get figures of what they may read. Flows (money, orders,
-- check-ins) count when they happened; what belongs to an event (stock, attendance,
-- budgets) counts in the period in which the event starts; what is open (waiting list,
-- pipeline, overdue tasks) is as of now, whatever the period.
create function app_private.kpi_values(
    _organization_id uuid,
    _event_id uuid,
    _from timestamptz,
    _to timestamptz
)
returns table (kpi_key text, value numeric, currency text)
language sql
stable
set search_path = ''
as $$
    with scope as (
        select coalesce(
            (
                select e.currency
                from public.events e
                where e.id = _event_id and e.organization_id = _organization_id
            ),
            (select o.default_currency from public.organizations o where o.id = _organization_id)
        ) as money
    ), sales as (
        select sum(o.total_cents) as gross, sum(o.tax_cents) as tax, count(*) as orders,
            count(distinct o.event_id) as events
        from public.orders o, scope s
        where o.organization_id = _organization_id
            and (_event_id is null or o.event_id = _event_id)
            and o.confirmed_at >= _from and o.confirmed_at < _to
            and o.currency = s.money
    ), given_back as (
        select sum(r.amount_cents) as amount
        from public.refunds r
        join public.payments p on p.id = r.payment_id and p.organization_id = r.organization_id
        join public.orders o on o.id = p.order_id and o.organization_id = p.organization_id
        cross join scope s
        where r.organization_id = _organization_id
            and r.status = 'succeeded'
            and (_event_id is null or o.event_id = _event_id)
            and r.created_at >= _from and r.created_at < _to
            and r.currency = s.money
    ), all_orders as (
        -- Orders are counted in every currency, amounts in one.
        select count(*) as orders
        from public.orders o
        where o.organization_id = _organization_id
            and (_event_id is null or o.event_id = _event_id)
            and o.confirmed_at >= _from and o.confirmed_at < _to
    ), issued as (
        select count(*) as tickets
        from public.tickets t
        where t.organization_id = _organization_id
            and (_event_id is null or t.event_id = _event_id)
            and t.status <> 'void'
            and t.created_at >= _from and t.created_at < _to
    ), period_events as (
        select e.id, e.end_date
        from public.events e
        where e.organization_id = _organization_id
            and (_event_id is null or e.id = _event_id)
            and e.status not in ('draft', 'cancelled')
            and e.start_date >= _from and e.start_date < _to
    ), stock as (
        select sum(c.capacity) as capacity, sum(c.sold) as sold,
            sum(c.capacity::bigint - c.sold - c.reserved) as remaining
        from public.ticket_categories c
        join period_events e on e.id = c.event_id
        where c.organization_id = _organization_id
    ), visits as (
        select count(distinct a.session_key) as sessions
        from public.analytics_events a
        where a.organization_id = _organization_id
            and (_event_id is null or a.event_id = _event_id)
            and a.occurred_at >= _from and a.occurred_at < _to
            and a.name = 'page_view'
    ), promos as (
        select sum(d.discount_cents) as discount
        from public.promo_code_redemptions d
        join public.orders o on o.id = d.order_id and o.organization_id = d.organization_id
        cross join scope s
        where d.organization_id = _organization_id
            and (_event_id is null or o.event_id = _event_id)
            and o.confirmed_at >= _from and o.confirmed_at < _to
            and o.currency = s.money
    ), attendance as (
        select count(*) as tickets, count(*) filter (where t.status = 'used') as used
        from public.tickets t
        join period_events e on e.id = t.event_id
        where t.organization_id = _organization_id
            and t.status <> 'void'
            and e.end_date < now()
    ), doors as (
        select count(*) as entries, count(distinct date_trunc('hour', c.checked_in_at)) as hours
        from public.check_ins c
        join public.tickets t on t.id = c.ticket_id and t.organization_id = c.organization_id
        where c.organization_id = _organization_id
            and c.undone_at is null
            and (_event_id is null or t.event_id = _event_id)
            and c.checked_in_at >= _from and c.checked_in_at < _to
    ), queue as (
        select count(*) as entries
        from public.waitlist_entries w
        join public.ticket_categories c
            on c.id = w.category_id and c.organization_id = w.organization_id
        where w.organization_id = _organization_id
            and w.status = 'waiting'
            and (_event_id is null or c.event_id = _event_id)
    ), closed as (
        select sum(d.amount_cents) filter (where d.stage = 'won' and d.currency = s.money) as won_amount,
            count(*) filter (where d.stage = 'won') as won,
            count(*) as decided
        from public.deals d, scope s
        where d.organization_id = _organization_id
            and (_event_id is null or d.event_id = _event_id)
            and d.stage in ('won', 'lost')
            and d.closed_at >= _from and d.closed_at < _to
    ), pipeline as (
        select sum(d.amount_cents * d.probability / 100.0) as amount
        from public.deals d, scope s
        where d.organization_id = _organization_id
            and (_event_id is null or d.event_id = _event_id)
            and d.stage not in ('won', 'lost')
            and d.currency = s.money
    ), attributed as (
        select sum(o.total_cents * m.weight_bps / 10000.0) as revenue
        from public.marketing_attributions m
        join public.orders o on o.id = m.order_id and o.organization_id = m.organization_id
        cross join scope s
        where m.organization_id = _organization_id
            and m.campaign_id is not null
            and m.model = 'last_touch'
            and (_event_id is null or o.event_id = _event_id)
            and o.confirmed_at >= _from and o.confirmed_at < _to
            and o.currency = s.money
    ), spent as (
        select sum(c.spent_cents) as amount
        from public.campaigns c, scope s
        where c.organization_id = _organization_id
            and (_event_id is null or c.event_id = _event_id)
            and coalesce(c.starts_at, c.created_at) >= _from
            and coalesce(c.starts_at, c.created_at) < _to
            and c.currency = s.money
    ), emails as (
        select count(*) as sent, count(m.opened_at) as opened
        from public.email_sends m
        left join public.campaigns c on c.id = m.campaign_id and c.organization_id = m.organization_id
        where m.organization_id = _organization_id
            and (_event_id is null or c.event_id = _event_id)
            and m.sent_at >= _from and m.sent_at < _to
    ), opinions as (
        select count(r.nps) as answers,
            count(*) filter (where r.nps >= 9) as promoters,
            count(*) filter (where r.nps <= 6) as detractors
        from public.survey_responses r
        join public.surveys v on v.id = r.survey_id and v.organization_id = r.organization_id
        where r.organization_id = _organization_id
            and (_event_id is null or v.event_id = _event_id)
            and r.created_at >= _from and r.created_at < _to
    ), overdue as (
        select count(*) as tasks
        from public.tasks t
        where t.organization_id = _organization_id
            and (_event_id is null or t.event_id = _event_id)
            and t.status in ('todo', 'in_progress', 'blocked')
            and t.due_date < now()
    ), planned as (
        select sum(b.planned_cents) as amount
        from public.budgets b
        join period_events e on e.id = b.event_id
        cross join scope s
        where b.organization_id = _organization_id and b.currency = s.money
    ), expensed as (
        select sum(x.amount_cents) as amount
        from public.expenses x
        join period_events e on e.id = x.event_id
        cross join scope s
        where x.organization_id = _organization_id
            and x.status in ('approved', 'paid')
            and x.currency = s.money
    ), generated as (
        select sum(g.cost_micros) / 10000.0 as cents, count(distinct g.event_id) as events
        from public.content_generations g, scope s
        where g.organization_id = _organization_id
            and g.event_id is not null
            and (_event_id is null or g.event_id = _event_id)
            and g.created_at >= _from and g.created_at < _to
            and g.currency = s.money
    )
    select v.kpi_key, round(v.value, 4), case when v.is_amount then s.money end
    from scope s
    cross join sales
    cross join given_back
    cross join all_orders
    cross join issued
    cross join stock
    cross join visits
    cross join promos
    cross join attendance
    cross join doors
    cross join queue
    cross join closed
    cross join pipeline
    cross join attributed
    cross join spent
    cross join emails
    cross join opinions
    cross join overdue
    cross join planned
    cross join expensed
    cross join generated
    cross join lateral (values
        ('gross_revenue', coalesce(sales.gross, 0), true),
        ('net_revenue',
            coalesce(sales.gross, 0) - coalesce(sales.tax, 0) - coalesce(given_back.amount, 0), true),
        ('refunds', coalesce(given_back.amount, 0), true),
        ('refund_rate', coalesce(given_back.amount, 0) / nullif(sales.gross, 0), false),
        ('orders', all_orders.orders::numeric, false),
        ('avg_order_value', sales.gross / nullif(sales.orders, 0), true),
        ('tickets_sold', issued.tickets::numeric, false),
        ('sell_through', stock.sold / nullif(stock.capacity, 0)::numeric, false),
        ('tickets_remaining', coalesce(stock.remaining, 0), false),
        ('revenue_per_event', sales.gross / nullif(sales.events, 0), true),
        ('conversion_rate', all_orders.orders / nullif(visits.sessions, 0)::numeric, false),
        ('promo_discount_total', coalesce(promos.discount, 0), true),
        ('attendance_rate', attendance.used / nullif(attendance.tickets, 0)::numeric, false),
        ('no_show_rate',
            (attendance.tickets - attendance.used) / nullif(attendance.tickets, 0)::numeric, false),
        ('check_in_throughput', doors.entries / nullif(doors.hours, 0)::numeric, false),
        ('waitlist_size', queue.entries::numeric, false),
        ('sponsor_revenue', coalesce(closed.won_amount, 0), true),
        ('pipeline_value_weighted', coalesce(pipeline.amount, 0), true),
        ('deal_win_rate', closed.won / nullif(closed.decided, 0)::numeric, false),
        ('campaign_roi',
            (coalesce(attributed.revenue, 0) - spent.amount) / nullif(spent.amount, 0), false),
        ('email_open_rate', emails.opened / nullif(emails.sent, 0)::numeric, false),
        ('nps',
            100.0 * (opinions.promoters - opinions.detractors) / nullif(opinions.answers, 0), false),
        ('tasks_overdue', overdue.tasks::numeric, false),
        ('budget_variance', planned.amount - coalesce(expensed.amount, 0), true),
        ('ai_cost_per_event', generated.cents / nullif(generated.events, 0), true)
    ) as v (kpi_key, value, is_amount)
$$;

revoke all on function app_private.kpi_values(uuid, uuid, timestamptz, timestamptz) from public;
grant execute on function app_private.kpi_values(uuid, uuid, timestamptz, timestamptz)
    to authenticated, service_role;

comment on function app_private.kpi_values(uuid, uuid, timestamptz, timestamptz) is
    'The key figures of a tenant, or of one of its events, between two instants, from what the caller may read.';

create function app_private.refresh_kpis(
    _grain text default 'day',
    _day date default null,
    _organization_id uuid default null,
    _with_events boolean default true
)
returns integer
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
    day constant date := coalesce(_day, current_date);
    first_day constant date := app_private.period_start(_grain, day);
    next_period constant date := app_private.period_end(_grain, day);
    written integer;
    total integer := 0;
    scope record;
begin
    if _grain is null or _grain not in ('day', 'week', 'month', 'quarter', 'year', 'all') then
        perform app_private.fail(
            422, 'invalid_grain', format('there is no grain %s', _grain),
            'One of day, week, month, quarter, year, all.'
        );
    end if;
    for scope in
        select o.id as organization_id, null::uuid as event_id
        from public.organizations o
        where _organization_id is null or o.id = _organization_id
        union all
        select e.organization_id, e.id
        from public.events e
        where _with_events
            and (_organization_id is null or e.organization_id = _organization_id)
            and e.status <> 'draft'
            -- An event's figures move while tickets are sold, and a month after.
            and e.start_date < next_period + interval '1 year'
            and e.end_date >= first_day - interval '1 month'
        order by 1, 2 nulls first
    loop
        insert into public.kpi_snapshots as k (
            organization_id, event_id, kpi_key, grain, period_start, value, currency, computed_at
        )
        select scope.organization_id, scope.event_id, v.kpi_key, _grain, first_day, v.value,
            v.currency, now()
        from app_private.kpi_values(
            scope.organization_id, scope.event_id,
            first_day::timestamptz, next_period::timestamptz
        ) v
        join public.kpi_definitions d on d.key = v.kpi_key and d.is_active
        order by v.kpi_key
        on conflict on constraint kpi_snapshots_period_key do update
        set value = excluded.value,
            currency = excluded.currency,
            computed_at = excluded.computed_at
        where (k.value, k.currency) is distinct from (excluded.value, excluded.currency)
            or k.computed_at < excluded.computed_at;
        get diagnostics written = row_count;
        total := total + written;
    end loop;
    return total;
end
$$;

revoke all on function app_private.refresh_kpis(text, date, uuid, boolean) from public;
grant execute on function app_private.refresh_kpis(text, date, uuid, boolean) to service_role;

comment on function app_private.refresh_kpis(text, date, uuid, boolean) is
    'Rolls the key figures of one period up into kpi_snapshots, for one tenant or all, and their events; returns how many rows. Again: the same rows.';

create function public.analytics_dashboard(
    organization_id uuid,
    event_id uuid default null,
    grain text default 'month',
    day date default null
)
returns jsonb
language plpgsql
stable
set search_path = ''
set timezone = 'UTC'
as $$
declare
    asked constant date := coalesce($4, current_date);
    sees_money boolean;
    first_day date;
    next_period date;
    previous_day date;
    figures jsonb;
begin
    if $3 is null or $3 not in ('day', 'week', 'month', 'quarter', 'year', 'all') then
        perform app_private.fail(
            422, 'invalid_grain', format('there is no grain %s', $3),
            'One of day, week, month, quarter, year, all.'
        );
    end if;
    perform app_private.require_member(
        $1, array['owner', 'admin', 'manager', 'finance', 'staff', 'member']
    );
    if $2 is not null and not exists (
        select from public.events e where e.id = $2 and e.organization_id = $1
    ) then
        perform app_private.fail(
            404, 'event_not_found', 'the organization has no such event', 'Check the id.',
            jsonb_build_object('event_id', $2)
        );
    end if;
    sees_money := not app_private.is_api_caller() or exists (
        select from app_private.member_org_ids(array['owner', 'admin', 'finance']) as m (id)
        where m.id = $1
    );
    first_day := app_private.period_start($3, asked);
    next_period := app_private.period_end($3, asked);
    previous_day := case when $3 <> 'all' then app_private.period_start($3, first_day - 1) end;

    select jsonb_object_agg(d.key, jsonb_strip_nulls(jsonb_build_object(
        'name', d.name,
        'unit', d.unit,
        'higher_is_better', d.higher_is_better,
        'currency', v.currency,
        'restricted', case when d.is_financial and not sees_money then true end,
        'computed_at', s.computed_at
    )) || jsonb_build_object(
        'value', case when not d.is_financial or sees_money then v.value end,
        'snapshot', s.value,
        'delta', case when not d.is_financial or sees_money then v.value - s.value end,
        'previous', p.value
    ))
    into figures
    from public.kpi_definitions d
    left join app_private.kpi_values($1, $2, first_day::timestamptz, next_period::timestamptz) v
        on v.kpi_key = d.key
    left join public.kpi_snapshots s
        on s.organization_id = $1
        and s.scope_id = coalesce($2, $1)
        and s.kpi_key = d.key
        and s.grain = $3
        and s.period_start = first_day
    left join public.kpi_snapshots p
        on p.organization_id = $1
        and p.scope_id = coalesce($2, $1)
        and p.kpi_key = d.key
        and p.grain = $3
        and p.period_start = previous_day
    where d.is_active;

    return jsonb_build_object(
        'organization_id', $1,
        'event_id', $2,
        'grain', $3,
        'period_start', first_day,
        'period_end', case when $3 <> 'all' then next_period end,
        'generated_at', now(),
        'kpis', coalesce(figures, '{}')
    );
end
$$;

revoke all on function public.analytics_dashboard(uuid, uuid, text, date)
    from public, anon, authenticated, service_role;
grant execute on function public.analytics_dashboard(uuid, uuid, text, date)
    to authenticated, service_role;

comment on function public.analytics_dashboard(uuid, uuid, text, date) is
    'GET /api/analytics/dashboard: the key figures of a tenant or event in a period, live, with the last snapshot, the difference to it, and the period before. What the caller may not read is restricted.';
