-- Money around the events: budgets and expenses, sponsors and deals. Deals enter the
-- pipeline as leads and move on from there.

insert into public.financial_periods (id, organization_id, name, starts_on, ends_on, created_at)
select
    ('5a000000-0060-4000-8000-' || lpad(to_hex(o * 10 + q), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    '2026 Q' || q,
    (date '2026-01-01' + (q - 1) * interval '3 months')::date,
    (date '2026-01-01' + q * interval '3 months' - interval '1 day')::date,
    timestamptz '2025-12-15 09:00+00'
from generate_series(1, 3) as o
cross join generate_series(1, 4) as q;

insert into public.budgets (
    id, organization_id, event_id, category, planned_cents, currency, status, created_at
)
select
    ('5a000000-0061-4000-8000-' || lpad(to_hex(n * 3 + b.k), 12, '0'))::uuid,
    e.organization_id, e.id, b.category, b.planned_cents + n * 10000, e.currency, 'approved',
    e.created_at
from generate_series(1, 22) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
cross join (values (0, 'venue', 900000), (1, 'catering', 400000), (2, 'marketing', 250000))
    as b (k, category, planned_cents);

insert into public.expenses (
    id, organization_id, event_id, budget_id, description, amount_cents, currency, status,
    incurred_on, submitted_by, created_at
)
select
    ('5a000000-0062-4000-8000-' || lpad(to_hex(n * 3 + b), 12, '0'))::uuid,
    g.organization_id, g.event_id, g.id, initcap(g.category) || ', first instalment',
    g.planned_cents * (40 + n % 7 * 10) / 100, g.currency, 'submitted',
    (e.start_date - interval '20 days')::date,
    ('5a000000-0002-4000-8000-' || lpad(to_hex(7 + (n - 1) % 3), 12, '0'))::uuid,
    e.start_date - interval '20 days'
from generate_series(1, 11) as n
cross join generate_series(0, 2) as b
join public.budgets g
    on g.id = ('5a000000-0061-4000-8000-' || lpad(to_hex(n * 3 + b), 12, '0'))::uuid
join public.events e on e.id = g.event_id;

insert into public.sponsors (
    id, organization_id, name, industry, website_url, status, created_at
)
select
    ('5a000000-0063-4000-8000-' || lpad(to_hex(s.n), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex((s.n - 1) % 3 + 1), 12, '0'))::uuid,
    s.name, s.industry, 'https://sponsor' || s.n || '.example', 'active',
    timestamptz '2025-12-20 09:00+00'
from (values
    (1, 'Meridian Cloud', 'Software'), (2, 'Anchor Brewing Co', 'Drinks'), (3, 'Almtal Holz', 'Timber'),
    (4, 'Quill Analytics', 'Software'), (5, 'Tidewater Bank', 'Finance'), (6, 'Gipfel Optik', 'Optics'),
    (7, 'Harbor Insurance', 'Insurance'), (8, 'Lumen Audio', 'Electronics'), (9, 'Säge & Sohn', 'Tools')
) as s (n, name, industry);

insert into public.sponsor_contacts (
    id, organization_id, sponsor_id, name, title, email, is_primary, created_at
)
select
    ('5a000000-0064' || right(s.id::text, 23))::uuid,
    s.organization_id, s.id, 'Contact of ' || s.name, 'Partnerships',
    'partners' || right(s.id::text, 1) || '@sponsors.example', true, s.created_at
from public.sponsors s
where s.id between '5a000000-0063-4000-8000-000000000000' and '5a000000-0063-4000-8000-ffffffffffff';

insert into public.sponsor_packages (
    id, organization_id, event_id, name, tier, benefits, price_cents, currency, slots, is_published,
    sort_order, created_at
)
select
    ('5a000000-0065-4000-8000-' || lpad(to_hex(n * 2 + p.k), 12, '0'))::uuid,
    e.organization_id, e.id, p.name, p.tier, p.benefits::jsonb, p.price_cents, e.currency, p.slots,
    true, p.k * 10, e.created_at
from generate_series(1, 22) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
cross join (values
    (0, 'Gold partner', 'gold', '["Logo on stage", "Ten tickets"]', 1500000, 2),
    (1, 'Bronze partner', 'bronze', '["Logo on the website"]', 300000, 6)
) as p (k, name, tier, benefits, price_cents, slots);

insert into public.deals (
    id, organization_id, event_id, sponsor_id, package_id, title, amount_cents, currency,
    probability, close_date, owner_id, created_at
)
select
    ('5a000000-0066-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    p.organization_id, p.event_id, s.id, p.id, s.name || ': ' || p.name, p.price_cents, p.currency,
    10, (e.start_date - interval '30 days')::date,
    ('5a000000-0002-4000-8000-' || lpad(to_hex(4 + (n - 1) % 3), 12, '0'))::uuid,
    e.created_at + interval '10 days'
from generate_series(1, 22) as n
join public.sponsor_packages p
    on p.id = ('5a000000-0065-4000-8000-' || lpad(to_hex(n * 2 + n % 2), 12, '0'))::uuid
join public.events e on e.id = p.event_id
join public.sponsors s
    on s.id = ('5a000000-0063-4000-8000-' || lpad(to_hex((n - 1) % 3 + 1 + n / 3 % 3 * 3), 12, '0'))::uuid;

-- The pipeline, stage by stage: 1 to 20 qualified, 1 to 17 offered, 1 to 14 negotiated;
-- of those, the third in each four is lost.
update public.deals d
set stage = 'qualified', probability = 25
where d.id between '5a000000-0066-4000-8000-000000000001' and '5a000000-0066-4000-8000-000000000014';
update public.deals d
set stage = 'proposal', probability = 50
where d.id between '5a000000-0066-4000-8000-000000000001' and '5a000000-0066-4000-8000-000000000011';
update public.deals d
set stage = 'negotiation', probability = 75
where d.id between '5a000000-0066-4000-8000-000000000001' and '5a000000-0066-4000-8000-00000000000e';
update public.deals d
set stage = case n % 4 when 3 then 'lost' else 'won' end,
    probability = case n % 4 when 3 then 0 else 100 end,
    closed_at = d.created_at + interval '20 days',
    lost_reason = case n % 4 when 3 then 'The budget went elsewhere' end
from generate_series(1, 12) as n
where d.id = ('5a000000-0066-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;

insert into public.deliverables (id, organization_id, deal_id, title, status, due_on, created_at)
select
    ('5a000000-0067' || right(d.id::text, 23))::uuid,
    d.organization_id, d.id, 'Logo in the programme', 'pending', d.close_date, d.created_at
from public.deals d
where d.stage = 'won'
    and d.id between '5a000000-0066-4000-8000-000000000000' and '5a000000-0066-4000-8000-ffffffffffff';

-- Slots that are taken, where nothing has counted them yet.
update public.sponsor_packages p
set taken = w.taken
from (
    select package_id, count(*)::integer as taken
    from public.deals
    where stage = 'won'
        and id between '5a000000-0066-4000-8000-000000000000'
            and '5a000000-0066-4000-8000-ffffffffffff'
    group by package_id
) w
where w.package_id = p.id and p.taken <> w.taken;
