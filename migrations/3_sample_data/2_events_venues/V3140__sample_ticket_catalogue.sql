-- Three prices for each event: early bird, standard, VIP. Promo codes: one for
-- everything in each organization, and one for each of five events.

insert into public.ticket_categories (
    id, organization_id, event_id, name, description, price_cents, currency, capacity,
    sales_start, sales_end, max_per_order, status, sort_order, created_at
)
select
    ('5a000000-0030-4000-8000-' || lpad(to_hex((n - 1) * 3 + c.k), 12, '0'))::uuid,
    e.organization_id,
    e.id,
    c.name,
    c.description,
    (4000 + 500 * (n % 7)) * c.factor / 10,
    e.currency,
    c.capacity,
    least(e.start_date - interval '150 days', timestamptz '2026-10-01 08:00+00'),
    e.start_date,
    8,
    case when n <= 22 then 'on_sale' else 'draft' end,
    c.k * 10,
    e.created_at
from generate_series(1, 25) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
cross join (values
    (1, 'Early bird', 'For those who decide soon.', 8, 300),
    (2, 'Standard', 'The usual seat.', 10, 700),
    (3, 'VIP', 'Front rows and a drink.', 30, 200)
) as c (k, name, description, factor, capacity);

insert into public.pricing_rules (
    id, organization_id, category_id, kind, params, min_cents, max_cents, priority, created_at
)
select
    ('5a000000-0031-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    c.organization_id,
    c.id,
    case n % 2 when 0 then 'demand' else 'time_based' end,
    case n % 2
        when 0 then '{"sold_share": 0.8, "raise_percent": 10}'::jsonb
        else '{"days_before": 14, "raise_percent": 15}'::jsonb
    end,
    c.price_cents,
    c.price_cents * 3 / 2,
    n,
    c.created_at
from generate_series(12, 22) as n
join public.ticket_categories c
    on c.id = ('5a000000-0030-4000-8000-' || lpad(to_hex((n - 1) * 3 + 2), 12, '0'))::uuid;

insert into public.promo_codes (
    id, organization_id, event_id, code, kind, value, currency, max_uses, valid_from, valid_until,
    created_at
)
select
    ('5a000000-0033-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    null, 'FRIENDS10', 'percent', 1000, null, 1000,
    timestamptz '2025-06-01 00:00+00', timestamptz '2028-01-01 00:00+00',
    timestamptz '2025-12-21 09:00+00'
from generate_series(1, 3) as o
union all
select
    ('5a000000-0033-4000-8000-' || lpad(to_hex(3 + k), 12, '0'))::uuid,
    e.organization_id, e.id, 'OPENING' || k, 'fixed', 500, e.currency, 50,
    timestamptz '2025-06-01 00:00+00', e.start_date, timestamptz '2025-12-21 09:00+00'
from generate_series(1, 5) as k
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(k * 3), 12, '0'))::uuid;
