-- Payments that failed, and refunds: in full or, for a late start, five units of the
-- currency.

-- One in a hundred tried with another card before.
insert into public.payments (
    id, organization_id, order_id, provider, provider_ref, amount_cents, currency, status,
    failure_code, created_at
)
select
    ('5a000000-0042-4000-8000-' || lpad(to_hex(n + 5000), 12, '0'))::uuid,
    o.organization_id, o.id, 'stripe', 'pi_sample_declined_' || n, o.total_cents, o.currency,
    'failed', 'card_declined', o.created_at + interval '2 seconds'
from generate_series(50, 5000, 100) as n
join public.orders o
    on o.id = ('5a000000-0040-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;

insert into public.refunds (
    id, organization_id, payment_id, provider_ref, amount_cents, currency, reason, status,
    requested_by, created_at
)
select
    ('5a000000-0043' || right(p.id::text, 23))::uuid,
    p.organization_id, p.id, 're_sample_' || right(o.idempotency_key, -13),
    case p.status when 'refunded' then p.amount_cents else 500 end,
    p.currency,
    case
        when o.event_id = '5a000000-0021-4000-8000-000000000005' then 'The event was called off'
        when p.status = 'refunded' then 'Requested by the buyer'
        else 'Late start'
    end,
    'succeeded',
    -- The accountant of the organization: users 13, 14 and 15.
    ('5a000000-0002-4000-8000-' || lpad(to_hex(12 + right(o.organization_id::text, 1)::integer), 12, '0'))::uuid,
    p.paid_at + interval '2 days'
from public.payments p
join public.orders o on o.id = p.order_id
where p.status in ('refunded', 'partially_refunded')
    and p.id between '5a000000-0042-4000-8000-000000000000' and '5a000000-0042-4000-8000-ffffffffffff';
