-- Twelve speakers and twenty sessions, in the conferences and forums.

insert into public.speakers (
    id, organization_id, name, headline, bio, photo_url, is_published, created_at
)
select
    ('5a000000-0024-4000-8000-' || lpad(to_hex(s.n), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex((s.n - 1) % 3 + 1), 12, '0'))::uuid,
    s.name, s.headline, s.name || ' speaks from practice.',
    'https://images.example/speakers/' || s.n || '.jpg', true, timestamptz '2026-01-05 09:00+00'
from (values
    (1, 'Priya Raman', 'Databases at scale'), (2, 'Callum Reid', 'Stage director'),
    (3, 'Anna Wolf', 'Timber engineer'), (4, 'Marcus Bell', 'Streaming pipelines'),
    (5, 'Siobhan Kerr', 'Composer'), (6, 'Thomas Egger', 'Workshop founder'),
    (7, 'Yuki Tanaka', 'Reliability'), (8, 'Noah Adeyemi', 'Festival curator'),
    (9, 'Katrin Fuchs', 'Toolmaker'), (10, 'Lucia Ortega', 'Security research'),
    (11, 'Ewan Grant', 'Lighting design'), (12, 'Peter Lang', 'Furniture design')
) as s (n, name, headline);

-- Session s belongs to event 1, 4, 6, 10, 13, 16 or 19 and runs in a space of the
-- event's venue; sessions of one event follow each other hour by hour.
insert into public.event_sessions (
    id, organization_id, event_id, space_id, title, description, starts_at, ends_at, capacity,
    status, created_at
)
select
    ('5a000000-0023-4000-8000-' || lpad(to_hex(s), 12, '0'))::uuid,
    e.organization_id,
    e.id,
    ('5a000000-0011-4000-8000-' || lpad(to_hex(
        ((e.n - 1) % 6) * 3 + 1 + s % 3
    ), 12, '0'))::uuid,
    t.title || case when s > 10 then ', advanced' else '' end,
    'Forty-five minutes and questions.',
    e.start_date + (1 + (s - 1) / 7) * interval '1 hour',
    e.start_date + (1 + (s - 1) / 7) * interval '1 hour' + interval '55 minutes',
    200,
    'scheduled',
    timestamptz '2026-01-06 09:00+00'
from generate_series(1, 20) as s
cross join lateral (
    select (array['Opening keynote', 'Lessons from production', 'From sketch to stage',
        'Small teams, large audiences', 'What we measured', 'Tools we built ourselves',
        'Failure stories', 'Working with volunteers', 'A year of numbers', 'Questions and answers'])
        [(s - 1) % 10 + 1] as title
) t
join lateral (
    select n, ev.*
    from (select (array[1, 4, 6, 10, 13, 16, 19])[(s - 1) % 7 + 1] as n) x
    join public.events ev
        on ev.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(x.n), 12, '0'))::uuid
) e on true;

insert into public.session_speakers (
    id, organization_id, session_id, speaker_id, role, sort_order, created_at
)
select
    ('5a000000-0025-4000-8000-' || lpad(to_hex(s * 2 + k.n), 12, '0'))::uuid,
    x.organization_id,
    x.id,
    -- The organization's speakers are o, o + 3, o + 6 and o + 9.
    ('5a000000-0024-4000-8000-' || lpad(to_hex(o.n + 3 * ((s + k.n) % 4)), 12, '0'))::uuid,
    case k.n when 0 then 'speaker' else 'moderator' end,
    k.n,
    x.created_at
from generate_series(1, 20) as s
cross join generate_series(0, 1) as k (n)
join public.event_sessions x
    on x.id = ('5a000000-0023-4000-8000-' || lpad(to_hex(s), 12, '0'))::uuid
join generate_series(1, 3) as o (n)
    on x.organization_id = ('5a000000-0001-4000-8000-' || lpad(to_hex(o.n), 12, '0'))::uuid;
