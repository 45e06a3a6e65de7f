-- Five thousand orders, imported in the state they reached. Order o is for event
-- 1 + 7 * o mod 22, so that each of the twenty-two events on sale has some 227 of
-- them. What became of it follows from h = 37 * o mod 100:
--   0 to 89    confirmed
--   90 to 92   refunded; 93 and 94 in part
--   95 and 96  cancelled
--   97         expired
--   98 and 99  pending where the event is ahead, otherwise confirmed
-- Event 5 was called off: all that was paid for it is refunded.

insert into public.tax_rates (id, organization_id, name, country_code, rate_bps, is_inclusive, created_at)
values
    ('5a000000-0051-4000-8000-000000000001', '5a000000-0001-4000-8000-000000000001',
        'Sales tax', 'US', 825, false, '2025-12-01 09:00+00'),
    ('5a000000-0051-4000-8000-000000000002', '5a000000-0001-4000-8000-000000000002',
        'VAT', 'GB', 2000, true, '2025-12-01 09:00+00'),
    ('5a000000-0051-4000-8000-000000000003', '5a000000-0001-4000-8000-000000000003',
        'USt.', 'AT', 1300, true, '2025-12-01 09:00+00');

-- An order and its payment refer to each other: they come in one statement, at whose
-- end both references are checked. Only the first organization's tax comes on top of
-- the price.
with new_orders as (
    insert into public.orders (
        id, organization_id, event_id, user_id, customer_email, customer_name, order_status, quantity,
        subtotal_cents, discount_cents, tax_cents, total_cents, currency, payment_id, idempotency_key,
        confirmed_at, cancelled_at, created_at
    )
    select
        ('5a000000-0040-4000-8000-' || lpad(to_hex(o.n), 12, '0'))::uuid,
        e.organization_id,
        e.id,
        u.id,
        coalesce(u.email, 'guest' || o.n % 1700 || '@guests.example'),
        coalesce(
            u.raw_user_meta_data ->> 'full_name',
            (array['Alex', 'Robin', 'Kim', 'Sascha', 'Noor', 'Jules', 'Toni', 'Sam'])[o.n % 8 + 1]
                || ' ' || (array['Berg', 'Castle', 'Dubois', 'Evans', 'Ferro'])[o.n % 5 + 1]
        ),
        w.status,
        o.quantity_1 + o.quantity_2,
        s.subtotal_cents,
        s.discount_cents,
        t.tax_cents,
        s.subtotal_cents - s.discount_cents + t.tax_cents,
        e.currency,
        case when w.status in ('confirmed', 'partially_refunded', 'refunded') then
            ('5a000000-0042-4000-8000-' || lpad(to_hex(o.n), 12, '0'))::uuid
        end,
        'sample-order-' || o.n,
        case when w.status in ('confirmed', 'partially_refunded', 'refunded') then
            w.created_at + interval '40 seconds'
        end,
        case when w.status in ('cancelled', 'expired') then w.created_at + interval '15 minutes' end,
        w.created_at
    from (
        select
            n,
            1 + n * 7 % 22 as event,
            (array[2, 2, 2, 2, 2, 1, 1, 1, 3, 3])[n / 22 % 10 + 1] as category_1,
            1 + n / 22 % 3 as quantity_1,
            (array[2, 2, 2, 2, 2, 1, 1, 1, 3, 3])[n / 22 % 10 + 1] % 3 + 1 as category_2,
            (n % 4 = 0)::integer as quantity_2
        from generate_series(1, 5000) as n
    ) o
    join public.events e
        on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(o.event), 12, '0'))::uuid
    join public.ticket_categories c1
        on c1.id = ('5a000000-0030-4000-8000-'
            || lpad(to_hex((o.event - 1) * 3 + o.category_1), 12, '0'))::uuid
    join public.ticket_categories c2
        on c2.id = ('5a000000-0030-4000-8000-'
            || lpad(to_hex((o.event - 1) * 3 + o.category_2), 12, '0'))::uuid
    -- Every third order is by one of the ten people with an account.
    left join auth.users u
        on o.n % 3 = 0
        and u.id = ('5a000000-0002-4000-8000-' || lpad(to_hex(31 + o.n % 10), 12, '0'))::uuid
    cross join lateral (
        select o.quantity_1 * c1.price_cents + o.quantity_2 * c2.price_cents as subtotal_cents
    ) p
    cross join lateral (
        select
            p.subtotal_cents,
            case when o.n % 12 = 0 then p.subtotal_cents / 10 else 0 end as discount_cents
    ) s
    cross join lateral (
        select case
            when o.event % 3 = 1 then round((s.subtotal_cents - s.discount_cents) * 825 / 10000.0)::bigint
            else 0
        end as tax_cents
    ) t
    cross join lateral (
        select
            case
                when o.n * 37 % 100 in (95, 96) then 'cancelled'
                when o.n * 37 % 100 = 97 then 'expired'
                when o.n * 37 % 100 in (98, 99) and o.event > 11 then 'pending'
                when o.n * 37 % 100 in (90, 91, 92) or o.event = 5 then 'refunded'
                when o.n * 37 % 100 in (93, 94) then 'partially_refunded'
                else 'confirmed'
            end as status,
            c1.sales_start
                + (least(e.start_date, timestamptz '2026-11-15 00:00+00') - c1.sales_start)
                * ((o.n * 7919) % 1000) / 1000 as created_at
    ) w
    returning id, organization_id, order_status, total_cents, currency, payment_id, idempotency_key,
        confirmed_at, created_at
)
insert into public.payments (
    id, organization_id, order_id, provider, provider_ref, amount_cents, currency, status, paid_at,
    created_at
)
select
    o.payment_id, o.organization_id, o.id, 'stripe',
    'pi_sample_' || right(o.idempotency_key, -13), o.total_cents, o.currency,
    case o.order_status when 'confirmed' then 'succeeded' else o.order_status end,
    o.confirmed_at, o.created_at + interval '5 seconds'
from new_orders o
where o.payment_id is not null;

-- Items, attendees and tickets in one statement, too: by the time that the platform
-- looks for units without a ticket, each has one, with a fixed id and code. The first
-- ticket of an order is the buyer's own, the others are for guests.
with new_items as (
    insert into public.order_items (
        id, organization_id, order_id, category_id, quantity, unit_price_cents, created_at
    )
    select
        ('5a000000-0041-4000-8000-' || lpad(to_hex(i.n * 2 + i.item), 12, '0'))::uuid,
        o.organization_id, o.id, c.id, i.quantity, c.price_cents, o.created_at
    from (
        select
            n, k as item, 1 + n * 7 % 22 as event,
            case k
                when 0 then (array[2, 2, 2, 2, 2, 1, 1, 1, 3, 3])[n / 22 % 10 + 1]
                else (array[2, 2, 2, 2, 2, 1, 1, 1, 3, 3])[n / 22 % 10 + 1] % 3 + 1
            end as category,
            case k when 0 then 1 + n / 22 % 3 else 1 end as quantity
        from generate_series(1, 5000) as n
        cross join generate_series(0, 1) as k
        where k = 0 or n % 4 = 0
    ) i
    join public.orders o
        on o.id = ('5a000000-0040-4000-8000-' || lpad(to_hex(i.n), 12, '0'))::uuid
    join public.ticket_categories c
        on c.id = ('5a000000-0030-4000-8000-'
            || lpad(to_hex((i.event - 1) * 3 + i.category), 12, '0'))::uuid
    returning id, organization_id, order_id, category_id, quantity
),
units as (
    select
        lpad(to_hex(x.n * 4 + u), 12, '0') as suffix,
        'SAMPLE-' || lpad(x.n::text, 6, '0') || '-' || u as code,
        -- The first item of an order has an even number.
        x.n % 2 = 0 and u = 1 as is_buyer,
        u as ordinal,
        i.id as item_id, i.category_id,
        o.id as order_id, o.organization_id, o.event_id, o.order_status, o.user_id,
        o.customer_name, o.customer_email, o.confirmed_at
    from new_items i
    join public.orders o on o.id = i.order_id and o.confirmed_at is not null
    cross join lateral (select ('x' || right(i.id::text, 8))::bit(32)::integer as n) x
    cross join lateral generate_series(1, i.quantity) as u
),
new_attendees as (
    insert into public.attendees (
        id, organization_id, event_id, user_id, name, email, created_at
    )
    select
        ('5a000000-0045-4000-8000-' || u.suffix)::uuid, u.organization_id, u.event_id,
        case when u.is_buyer then u.user_id end,
        case when u.is_buyer then u.customer_name else 'Guest of ' || u.customer_name end,
        case when u.is_buyer then u.customer_email end,
        u.confirmed_at
    from units u
)
insert into public.tickets (
    id, organization_id, event_id, order_id, order_item_id, category_id, attendee_id, ordinal,
    code, status, voided_at, created_at
)
select
    ('5a000000-0046-4000-8000-' || u.suffix)::uuid, u.organization_id, u.event_id, u.order_id,
    u.item_id, u.category_id, ('5a000000-0045-4000-8000-' || u.suffix)::uuid, u.ordinal, u.code,
    case u.order_status when 'refunded' then 'void' else 'valid' end,
    case u.order_status when 'refunded' then u.confirmed_at + interval '2 days' end,
    u.confirmed_at
from units u;

insert into public.promo_code_redemptions (
    id, organization_id, promo_code_id, order_id, discount_cents, created_at
)
select
    ('5a000000-0044-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    o.organization_id,
    ('5a000000-0033-4000-8000-' || lpad(to_hex(n * 7 % 22 % 3 + 1), 12, '0'))::uuid,
    o.id, o.discount_cents, o.created_at
from generate_series(12, 5000, 12) as n
join public.orders o
    on o.id = ('5a000000-0040-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
-- A cancelled order gave its use of the code back.
where o.order_status not in ('cancelled', 'expired');
