-- Reference rows that the platform cannot do without, with fixed ids: the same in
-- every database. Rows that a partial rollback had to keep are brought up to date.

insert into public.roles (id, organization_id, key, name, description, permissions)
values
    ('a0000000-0000-4000-8000-000000000001', null, 'owner', 'Owner',
        'Everything, including closing the organization and naming other owners.',
        '{"organization": ["read", "write", "delete"], "members": ["read", "write"], "events": ["read", "write", "delete"], "sales": ["read", "write"], "finance": ["read", "write"], "door": ["read", "write"]}'),
    ('a0000000-0000-4000-8000-000000000002', null, 'admin', 'Administrator',
        'Everything except closing the organization and what concerns its owners.',
        '{"organization": ["read", "write"], "members": ["read", "write"], "events": ["read", "write", "delete"], "sales": ["read", "write"], "finance": ["read", "write"], "door": ["read", "write"]}'),
    ('a0000000-0000-4000-8000-000000000003', null, 'manager', 'Event manager',
        'Plans events and sells tickets.',
        '{"organization": ["read"], "members": ["read"], "events": ["read", "write"], "sales": ["read", "write"], "door": ["read", "write"]}'),
    ('a0000000-0000-4000-8000-000000000004', null, 'finance', 'Finance',
        'Payments, refunds, payouts and invoices.',
        '{"organization": ["read"], "members": ["read"], "events": ["read"], "sales": ["read"], "finance": ["read", "write"], "door": ["read"]}'),
    ('a0000000-0000-4000-8000-000000000005', null, 'staff', 'Staff',
        'Attendees, the waiting list and the door.',
        '{"organization": ["read"], "members": ["read"], "events": ["read"], "sales": ["read"], "door": ["read", "write"]}'),
    ('a0000000-0000-4000-8000-000000000006', null, 'member', 'Member',
        'Reads what is not about money.',
        '{"organization": ["read"], "members": ["read"], "events": ["read"], "sales": ["read"], "door": ["read"]}')
on conflict (id) do update set
    key = excluded.key,
    name = excluded.name,
    description = excluded.description,
    permissions = excluded.permissions;

insert into public.event_categories (id, key, name, sort_order)
values
    ('c0000000-0000-4000-8000-000000000001', 'conference', 'Conference', 10),
    ('c0000000-0000-4000-8000-000000000002', 'workshop', 'Workshop', 20),
    ('c0000000-0000-4000-8000-000000000003', 'meetup', 'Meetup', 30),
    ('c0000000-0000-4000-8000-000000000004', 'trade_show', 'Trade show', 40),
    ('c0000000-0000-4000-8000-000000000005', 'concert', 'Concert', 50),
    ('c0000000-0000-4000-8000-000000000006', 'festival', 'Festival', 60),
    ('c0000000-0000-4000-8000-000000000007', 'theatre', 'Theatre', 70),
    ('c0000000-0000-4000-8000-000000000008', 'sports', 'Sports', 80),
    ('c0000000-0000-4000-8000-000000000009', 'exhibition', 'Exhibition', 90),
    ('c0000000-0000-4000-8000-000000000010', 'gala', 'Gala and award ceremony', 100),
    ('c0000000-0000-4000-8000-000000000011', 'fundraiser', 'Fundraiser', 110),
    ('c0000000-0000-4000-8000-000000000012', 'other', 'Other', 1000)
on conflict (id) do update set
    key = excluded.key,
    name = excluded.name,
    sort_order = excluded.sort_order;
