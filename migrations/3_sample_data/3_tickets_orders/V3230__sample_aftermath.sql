-- What became of the events, and what followed from it: who came (seven of eight), who
-- was in which session, who still waits, and the payouts.

update public.events
set status = case id when '5a000000-0021-4000-8000-000000000005' then 'cancelled' else 'live' end
where id between '5a000000-0021-4000-8000-000000000001' and '5a000000-0021-4000-8000-00000000000b';

-- The door marks the tickets as used.
insert into public.check_ins (
    id, organization_id, ticket_id, device, checked_in_at, checked_in_by, created_at
)
select
    ('5a000000-0047' || right(t.id::text, 23))::uuid,
    t.organization_id, t.id, 'door-' || c.n % 3 + 1, at.moment,
    -- Somebody from the box office: users 16, 17 and 18.
    ('5a000000-0002-4000-8000-'
        || lpad(to_hex(15 + right(t.organization_id::text, 1)::integer), 12, '0'))::uuid,
    at.moment
from public.tickets t
join public.events e on e.id = t.event_id and e.status = 'live'
cross join lateral (
    select ('x' || right(t.id::text, 8))::bit(32)::integer * 31 % 1000 as n
) c
cross join lateral (
    select e.start_date - interval '30 minutes' + c.n * interval '5 seconds' as moment
) at
where t.status = 'valid'
    and c.n % 8 <> 0
    and t.id between '5a000000-0046-4000-8000-000000000000' and '5a000000-0046-4000-8000-ffffffffffff';

update public.events
set status = 'completed'
where id between '5a000000-0021-4000-8000-000000000001' and '5a000000-0021-4000-8000-00000000000b'
    and status = 'live';

update public.events
set status = 'postponed'
where id = '5a000000-0021-4000-8000-000000000012';

-- Every tenth ticket of an event with a programme has a place in a session.
insert into public.session_registrations (
    id, organization_id, session_id, ticket_id, status, created_at
)
select
    ('5a000000-0049' || right(t.id::text, 23))::uuid,
    t.organization_id, s.id, t.id,
    case t.status when 'used' then 'attended' else 'registered' end,
    t.created_at
from public.tickets t
join lateral (
    select x.id
    from public.event_sessions x
    where x.event_id = t.event_id
    order by x.starts_at
    limit 1
) s on true
where t.status in ('valid', 'used')
    and ('x' || right(t.id::text, 8))::bit(32)::integer % 10 = 1
    and t.id between '5a000000-0046-4000-8000-000000000000' and '5a000000-0046-4000-8000-ffffffffffff';

insert into public.waitlist_entries (
    id, organization_id, category_id, user_id, email, quantity, status, created_at
)
select
    ('5a000000-0048-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    c.organization_id, c.id, u.id, u.email, 1 + n % 2, 'waiting',
    timestamptz '2026-11-01 12:00+00' + n * interval '3 hours'
from generate_series(1, 20) as n
join public.ticket_categories c
    on c.id = ('5a000000-0030-4000-8000-' || lpad(to_hex((11 + n % 6) * 3 + 3), 12, '0'))::uuid
join auth.users u
    on u.id = ('5a000000-0002-4000-8000-' || lpad(to_hex(31 + n % 10), 12, '0'))::uuid;

-- A month's payments of an organization are paid out together.
insert into public.payouts (
    id, organization_id, provider, provider_ref, amount_cents, currency, status, period_start,
    period_end, arrived_at, created_at
)
select
    ('5a000000-0050-4000-8000-' || lpad(to_hex(row_number() over (order by m.organization_id, m.month)), 12, '0'))::uuid,
    m.organization_id, 'stripe', 'po_sample_' || row_number() over (order by m.organization_id, m.month),
    m.amount, m.currency, 'paid', m.month, (m.month + interval '1 month - 1 day')::date,
    m.month + interval '1 month 4 days', m.month + interval '1 month'
from (
    select
        p.organization_id, p.currency,
        date_trunc('month', p.paid_at at time zone 'UTC')::date as month,
        sum(p.amount_cents - coalesce(r.amount_cents, 0)) as amount
    from public.payments p
    left join public.refunds r
        on r.payment_id = p.id
        and r.id = ('5a000000-0043' || right(p.id::text, 23))::uuid
    where p.id between '5a000000-0042-4000-8000-000000000000'
            and '5a000000-0042-4000-8000-ffffffffffff'
        and p.paid_at < timestamptz '2026-11-01 00:00+00'
    group by 1, 2, 3
) m;

insert into public.invoices (
    id, organization_id, order_id, number, bill_to, total_cents, currency, status, issued_on,
    due_on, created_at
)
select
    ('5a000000-0052-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    o.organization_id, o.id, 'S-2026-' || lpad(n::text, 4, '0'),
    o.customer_name || ', ' || o.customer_email::text, o.total_cents, o.currency, 'paid',
    o.confirmed_at::date, o.confirmed_at::date + 14, o.confirmed_at
from generate_series(1, 12) as n
join public.orders o
    on o.id = ('5a000000-0040-4000-8000-' || lpad(to_hex(n * 100), 12, '0'))::uuid
where o.confirmed_at is not null;

insert into public.invoice_lines (
    id, organization_id, invoice_id, position, description, quantity, unit_price_cents, tax_rate_id,
    created_at
)
select
    ('5a000000-0053' || right(v.id::text, 23))::uuid,
    v.organization_id, v.id, 1, 'Tickets', 1, v.total_cents,
    ('5a000000-0051' || right(v.organization_id::text, 23))::uuid, v.created_at
from public.invoices v
where v.id between '5a000000-0052-4000-8000-000000000000' and '5a000000-0052-4000-8000-ffffffffffff';
