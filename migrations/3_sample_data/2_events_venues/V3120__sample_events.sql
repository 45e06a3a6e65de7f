-- Twenty-five events, one every 29 days from 2026-01-17 to 2027-12-14, the
-- organizations in turn. They are planned and then confirmed, as people do it; what
-- became of them follows with the orders.

insert into public.event_series (
    id, organization_id, name, description, rrule, timezone, starts_on, ends_on, created_at
)
select
    ('5a000000-0020-4000-8000-' || lpad(to_hex(s.n), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(s.n), 12, '0'))::uuid,
    s.name, 'Every year at about the same time.', 'FREQ=YEARLY;COUNT=2', s.timezone,
    date '2026-01-01', date '2027-12-31', timestamptz '2025-12-15 09:00+00'
from (values
    (1, 'Northwind Summit', 'America/New_York'),
    (2, 'Dockside Sessions', 'Europe/London'),
    (3, 'Alpine Makers', 'Europe/Vienna')
) as s (n, name, timezone);

insert into public.events (
    id, organization_id, name, slug, description, start_date, end_date, timezone, status,
    visibility, capacity, currency, venue_id, category_id, series_id, created_by, created_at
)
select
    ('5a000000-0021-4000-8000-' || lpad(to_hex(e.n), 12, '0'))::uuid,
    o.id,
    e.name,
    regexp_replace(lower(e.name), '[^a-z0-9]+', '-', 'g'),
    e.name || ', with ' || o.name || '.',
    d.start_date,
    d.start_date + case when e.category in (1, 4, 6) then interval '2 days 8 hours'
        else interval '9 hours' end,
    o.timezone,
    case e.n when 25 then 'draft' else 'planning' end,
    case when e.n in (3, 14) then 'unlisted' when e.n = 25 then 'private' else 'public' end,
    1200,
    o.default_currency,
    ('5a000000-0010-4000-8000-' || lpad(to_hex((e.n - 1) % 6 + 1), 12, '0'))::uuid,
    ('c0000000-0000-4000-8000-' || lpad(e.category::text, 12, '0'))::uuid,
    case when e.series then
        ('5a000000-0020-4000-8000-' || lpad(to_hex((e.n - 1) % 3 + 1), 12, '0'))::uuid
    end,
    -- The manager of the organization.
    ('5a000000-0002-4000-8000-' || lpad(to_hex(7 + (e.n - 1) % 3), 12, '0'))::uuid,
    timestamptz '2025-12-20 09:00+00' + e.n * interval '5 hours'
from (values
    (1, 'Northwind Summit 2026', 1, true),
    (2, 'Winter Dockside Session', 5, true),
    (3, 'Alpine Makers Day', 2, false),
    (4, 'Data Engineering Forum', 1, false),
    (5, 'Riverside Theatre Night', 7, false),
    (6, 'Alpine Makers 2026', 4, true),
    (7, 'Product People Meetup', 3, false),
    (8, 'Summer Dockside Session', 5, true),
    (9, 'Lakeside Trade Fair', 4, false),
    (10, 'Cloud Operations Days', 1, false),
    (11, 'Harbour Gala', 10, false),
    (12, 'Advent Design Market', 9, false),
    (13, 'Northwind Summit 2027', 1, true),
    (14, 'New Year Dockside Session', 5, true),
    (15, 'Alpine Makers 2027', 4, true),
    (16, 'Security Engineering Forum', 1, false),
    (17, 'Spring Street Festival', 6, false),
    (18, 'Mountain Film Evenings', 7, false),
    (19, 'Open Source Workshop', 2, false),
    (20, 'Quayside Run', 8, false),
    (21, 'Timber Building Fair', 4, false),
    (22, 'Developer Fundraiser', 11, false),
    (23, 'Autumn Dockside Session', 5, true),
    (24, 'Winter Craft Exhibition', 9, false),
    (25, 'Northwind Staff Day', 12, false)
) as e (n, name, category, series)
join public.organizations o
    on o.id = ('5a000000-0001-4000-8000-' || lpad(to_hex((e.n - 1) % 3 + 1), 12, '0'))::uuid
cross join lateral (
    select timestamptz '2026-01-17 09:00+00' + (e.n - 1) * interval '29 days' as start_date
) d;

update public.events
set status = 'confirmed'
where id between '5a000000-0021-4000-8000-000000000001' and '5a000000-0021-4000-8000-000000000016';

-- Each event has its manager, a technician and somebody from the box office.
insert into public.event_team_members (id, organization_id, event_id, user_id, role, created_at)
select
    ('5a000000-0022-4000-8000-' || lpad(to_hex((e.n - 1) * 3 + w.n), 12, '0'))::uuid,
    e.organization_id,
    e.id,
    ('5a000000-0002-4000-8000-' || lpad(to_hex((e.n - 1) % 3 + 1 + 3 * w.rank), 12, '0'))::uuid,
    w.role,
    e.created_at
from (
    select row_number() over (order by id) as n, id, organization_id, created_at
    from public.events
    where id between '5a000000-0021-4000-8000-000000000000'
        and '5a000000-0021-4000-8000-ffffffffffff'
) e
cross join (values (1, 2, 'lead'), (2, 7, 'technician'), (3, 5, 'coordinator'))
    as w (n, rank, role);

insert into public.event_templates (id, organization_id, name, description, blueprint, created_at)
select
    ('5a000000-0026-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'One day, three prices',
    'What most of our events begin with.',
    '{"duration_hours": 9, "categories": [{"name": "Early bird", "share": 0.25}, {"name": "Standard", "share": 0.58}, {"name": "VIP", "share": 0.17}]}'::jsonb,
    timestamptz '2025-12-18 09:00+00'
from generate_series(1, 3) as o;

insert into public.event_vendors (
    id, organization_id, event_id, vendor_id, service, cost_cents, currency, status, created_at
)
select
    ('5a000000-0027-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    e.organization_id,
    e.id,
    ('5a000000-0012-4000-8000-' || lpad(to_hex((n - 1) % 3 + 1 + 3 * (n / 3 % 2)), 12, '0'))::uuid,
    case n / 3 % 2 when 0 then 'Whole event' else 'Evening only' end,
    150000 + n * 12500,
    e.currency,
    case when n <= 11 then 'delivered' when n <= 20 then 'booked' else 'quoted' end,
    e.created_at + interval '3 days'
from generate_series(1, 24) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
