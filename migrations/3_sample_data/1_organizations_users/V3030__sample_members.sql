-- Users 1 to 30 work for the organizations in turn, ten each, in every role. Two
-- of them work for a second one too. Users 31 to 40 only buy tickets.

insert into public.roles (id, organization_id, key, name, description, permissions)
select
    ('5a000000-0003-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'box_office',
    'Box office',
    'Sells at the door and looks after the guest list.',
    '{"events": ["read"], "sales": ["read", "write"], "door": ["read", "write"]}'::jsonb
from generate_series(1, 3) as o;

insert into public.organization_members (
    organization_id, user_id, role, role_id, status, title, created_at
)
select
    ('5a000000-0001-4000-8000-' || lpad(to_hex((n - 1) % 3 + 1), 12, '0'))::uuid,
    ('5a000000-0002-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    w.role,
    case w.role
        when 'staff' then ('5a000000-0003-4000-8000-' || lpad(to_hex((n - 1) % 3 + 1), 12, '0'))::uuid
    end,
    case n when 29 then 'suspended' when 30 then 'invited' else 'active' end,
    w.title,
    timestamptz '2025-11-10 09:00+00' + n * interval '7 hours'
from generate_series(1, 30) as n
join (values
    (0, 'owner', 'Founder'),
    (1, 'admin', 'Head of operations'),
    (2, 'manager', 'Event manager'),
    (3, 'manager', 'Programme manager'),
    (4, 'finance', 'Accountant'),
    (5, 'staff', 'Box office'),
    (6, 'staff', 'Box office'),
    (7, 'staff', 'Stage hand'),
    (8, 'member', 'Trainee'),
    (9, 'member', 'Adviser')
) as w (rank, role, title) on w.rank = (n - 1) / 3;

insert into public.organization_members (organization_id, user_id, role, title, created_at)
values
    ('5a000000-0001-4000-8000-000000000003', '5a000000-0002-4000-8000-00000000000d',
        'finance', 'Group accountant', '2026-01-12 09:00+00'),
    ('5a000000-0001-4000-8000-000000000002', '5a000000-0002-4000-8000-000000000007',
        'manager', 'Guest producer', '2026-02-02 09:00+00');

insert into public.organization_invitations (
    id, organization_id, email, role, token_hash, status, invited_by, expires_at, created_at
)
select
    ('5a000000-0004-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'newcomer' || o || '@people.example',
    'staff',
    encode(sha256(convert_to('sample invitation ' || o, 'UTF8')), 'hex'),
    case o when 1 then 'pending' when 2 then 'revoked' else 'expired' end,
    ('5a000000-0002-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    timestamptz '2026-11-22 09:00+00' - (o - 1) * interval '60 days',
    timestamptz '2026-11-15 09:00+00' - (o - 1) * interval '60 days'
from generate_series(1, 3) as o;

insert into public.teams (id, organization_id, name, description, created_at)
select
    ('5a000000-0005-4000-8000-' || lpad(to_hex(t), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex((t - 1) % 3 + 1), 12, '0'))::uuid,
    case when t <= 3 then 'Production' else 'Front of house' end,
    case when t <= 3 then 'Programme, stage and suppliers.' else 'Doors, desks and guests.' end,
    timestamptz '2025-12-01 09:00+00'
from generate_series(1, 6) as t;

-- Production has the managers and the stage hand, front of house the box office.
insert into public.team_members (id, organization_id, team_id, user_id, is_lead, created_at)
select
    ('5a000000-0006-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex((n - 1) % 3 + 1), 12, '0'))::uuid,
    ('5a000000-0005-4000-8000-' || lpad(to_hex(
        (n - 1) % 3 + 1 + case when (n - 1) / 3 in (5, 6) then 3 else 0 end
    ), 12, '0'))::uuid,
    ('5a000000-0002-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    (n - 1) / 3 in (2, 5),
    timestamptz '2025-12-01 10:00+00'
from generate_series(1, 30) as n
where (n - 1) / 3 in (2, 3, 5, 6, 7);

-- The hashes are of texts that no key has: these keys open nothing.
insert into public.api_keys (
    id, organization_id, name, prefix, key_hash, scopes, created_by, last_used_at, expires_at,
    created_at
)
select
    ('5a000000-0007-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'Website',
    'sample_' || o,
    encode(sha256(convert_to('sample api key ' || o, 'UTF8')), 'hex'),
    array['events:read', 'orders:write'],
    ('5a000000-0002-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    timestamptz '2026-11-14 18:30+00' + o * interval '1 hour',
    timestamptz '2027-12-31 00:00+00',
    timestamptz '2026-01-05 09:00+00'
from generate_series(1, 3) as o;
