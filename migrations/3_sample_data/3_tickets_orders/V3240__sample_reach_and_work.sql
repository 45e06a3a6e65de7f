-- A handful of rows for everything around sales: marketing, work, AI, integrations,
-- surveys and analytics.

insert into public.audience_segments (id, organization_id, name, rules, created_at)
select
    ('5a000000-0070-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'Came before', '{"orders": {"min": 1}, "within_days": 365}'::jsonb,
    timestamptz '2026-01-10 09:00+00'
from generate_series(1, 3) as o;

insert into public.email_templates (id, organization_id, name, locale, subject, body, created_at)
select
    ('5a000000-0071-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'Invitation', case o when 3 then 'de' else 'en' end,
    'You are invited', 'Dear {{name}}, {{event}} is coming up. Tickets are on sale now.',
    timestamptz '2026-01-10 09:00+00'
from generate_series(1, 3) as o;

insert into public.campaigns (
    id, organization_id, event_id, segment_id, name, channel, status, budget_cents, spent_cents,
    currency, starts_at, ends_at, created_by, created_at
)
select
    ('5a000000-0072-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    e.organization_id, e.id, ('5a000000-0070' || right(e.organization_id::text, 23))::uuid,
    'Launch of ' || e.name, (array['email', 'social', 'search'])[n % 3 + 1],
    case when n <= 9 then 'completed' else 'active' end,
    50000 + n * 1000, 40000 + n * 900, e.currency,
    e.start_date - interval '60 days', e.start_date - interval '30 days',
    e.created_by, e.start_date - interval '70 days'
from generate_series(1, 12) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;

insert into public.email_sends (
    id, organization_id, campaign_id, template_id, recipient, status, sent_at, opened_at, created_at
)
select
    ('5a000000-0073-4000-8000-' || lpad(to_hex(n * 100 + r), 12, '0'))::uuid,
    c.organization_id, c.id, ('5a000000-0071' || right(c.organization_id::text, 23))::uuid,
    'guest' || n * 50 + r || '@guests.example',
    case when r % 5 < 2 then 'opened' when r = 20 then 'bounced' else 'delivered' end,
    c.starts_at + r * interval '1 second',
    case when r % 5 < 2 then c.starts_at + r * interval '7 minutes' end,
    c.starts_at
from generate_series(3, 12, 3) as n
cross join generate_series(1, 20) as r
join public.campaigns c
    on c.id = ('5a000000-0072-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;

insert into public.social_posts (
    id, organization_id, campaign_id, network, body, status, published_at, created_at
)
select
    ('5a000000-0074-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    c.organization_id, c.id, (array['linkedin', 'instagram', 'mastodon'])[n % 3 + 1],
    c.name || ': tickets are out.', 'published', c.starts_at, c.created_at
from generate_series(1, 12) as n
join public.campaigns c
    on c.id = ('5a000000-0072-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;

insert into public.marketing_attributions (
    id, organization_id, order_id, campaign_id, utm_source, utm_medium, utm_campaign, created_at
)
select
    ('5a000000-0075' || right(o.id::text, 23))::uuid,
    o.organization_id, o.id, c.id, 'newsletter', c.channel, 'launch', o.created_at
from generate_series(10, 5000, 10) as n
join public.orders o
    on o.id = ('5a000000-0040-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
join public.campaigns c
    on c.event_id = o.event_id
    and c.id between '5a000000-0072-4000-8000-000000000000' and '5a000000-0072-4000-8000-ffffffffffff'
where o.confirmed_at is not null;

insert into public.tasks (
    id, organization_id, event_id, title, status, priority, assignee_id, created_by, due_date,
    completed_at, created_at
)
select
    ('5a000000-0080-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    e.organization_id, e.id,
    (array['Book the hall', 'Order catering', 'Print the programme'])[n % 3 + 1],
    case when n <= 33 then 'done' when n % 3 = 0 then 'in_progress' else 'todo' end,
    (array['medium', 'high', 'low'])[n % 3 + 1],
    ('5a000000-0002-4000-8000-' || lpad(to_hex(7 + ((n - 1) / 3) % 3), 12, '0'))::uuid,
    ('5a000000-0002-4000-8000-' || lpad(to_hex(4 + ((n - 1) / 3) % 3), 12, '0'))::uuid,
    e.start_date - interval '45 days',
    case when n <= 33 then e.start_date - interval '50 days' end,
    e.created_at
from generate_series(1, 60) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex((n - 1) / 3 + 1), 12, '0'))::uuid;

insert into public.task_comments (id, organization_id, task_id, author_id, body, created_at)
select
    ('5a000000-0081' || right(t.id::text, 23))::uuid,
    t.organization_id, t.id, t.created_by, 'Please note the number of guests first.',
    t.created_at + interval '1 hour'
from public.tasks t
where t.id between '5a000000-0080-4000-8000-000000000001' and '5a000000-0080-4000-8000-00000000000c';

-- Switched off: sample data starts nothing.
insert into public.workflows (
    id, organization_id, name, trigger_event, conditions, actions, enabled, created_by, created_at
)
select
    ('5a000000-0082-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'Thank the buyer', 'order.confirmed', '{"total_cents": {"min": 10000}}'::jsonb,
    '[{"action": "send_email", "template": "Thanks"}]'::jsonb, false,
    ('5a000000-0002-4000-8000-' || lpad(to_hex(3 + o), 12, '0'))::uuid,
    timestamptz '2026-01-10 09:00+00'
from generate_series(1, 3) as o;

insert into public.workflow_runs (
    id, organization_id, workflow_id, dedupe_key, status, input, attempts, started_at, finished_at,
    created_at
)
select
    ('5a000000-0083' || right(o.id::text, 23))::uuid,
    o.organization_id, ('5a000000-0082' || right(o.organization_id::text, 23))::uuid,
    o.id::text, 'succeeded', jsonb_build_object('order_id', o.id), 1,
    o.confirmed_at + interval '1 second', o.confirmed_at + interval '3 seconds', o.confirmed_at
from generate_series(1, 30) as n
join public.orders o
    on o.id = ('5a000000-0040-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
where o.confirmed_at is not null;

insert into public.workflow_steps (
    id, organization_id, run_id, seq, action, status, started_at, finished_at, created_at
)
select
    ('5a000000-0084' || right(r.id::text, 23))::uuid,
    r.organization_id, r.id, 1, 'send_email', 'succeeded', r.started_at, r.finished_at, r.created_at
from public.workflow_runs r
where r.id between '5a000000-0083-4000-8000-000000000000' and '5a000000-0083-4000-8000-ffffffffffff';

insert into public.notifications (
    id, organization_id, user_id, kind, title, read_at, created_at
)
select
    ('5a000000-0085-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex((n - 1) % 3 + 1), 12, '0'))::uuid,
    ('5a000000-0002-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    'task.assigned', 'A task was assigned to you',
    case when n % 2 = 0 then timestamptz '2026-11-14 10:00+00' end,
    timestamptz '2026-11-13 10:00+00'
from generate_series(1, 30) as n;

insert into public.ai_agents (id, organization_id, name, kind, model, created_at)
select
    ('5a000000-0090-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'Copy desk', 'content', 'example-model', timestamptz '2026-01-10 09:00+00'
from generate_series(1, 3) as o;

insert into public.ai_conversations (id, organization_id, agent_id, user_id, title, created_at)
select
    ('5a000000-0091-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0090-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0002-4000-8000-' || lpad(to_hex(6 + o), 12, '0'))::uuid,
    'A shorter announcement', timestamptz '2026-03-02 10:00+00'
from generate_series(1, 3) as o;

insert into public.ai_messages (
    id, organization_id, conversation_id, user_id, role, content, tokens, created_at
)
select
    ('5a000000-0092-4000-8000-' || lpad(to_hex(o * 2 + m.n), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0091-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0002-4000-8000-' || lpad(to_hex(6 + o), 12, '0'))::uuid,
    m.role, m.content, m.tokens, timestamptz '2026-03-02 10:00+00' + m.n * interval '4 seconds'
from generate_series(1, 3) as o
cross join (values
    (0, 'user', 'Make this half as long.', 40), (1, 'assistant', 'Come in March. Bring a friend.', 55)
) as m (n, role, content, tokens);

insert into public.content_generations (
    id, organization_id, event_id, agent_id, kind, prompt, output, model, status, input_tokens,
    output_tokens, cost_micros, created_by, created_at
)
select
    ('5a000000-0093-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    e.organization_id, e.id, ('5a000000-0090' || right(e.organization_id::text, 23))::uuid,
    'event_description', 'Describe ' || e.name || '.', e.name || ': a day to remember.',
    'example-model', 'approved', 120, 300 + n, 2400 + n * 10, e.created_by, e.created_at
from generate_series(1, 12) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;

insert into public.ai_predictions (
    id, organization_id, event_id, model, subject_type, subject_id, metric, value, confidence,
    predicted_for, created_at
)
select
    ('5a000000-0094-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    e.organization_id, e.id, 'example-model', 'event', e.id, 'tickets_sold', 400 + n * 5, 0.75,
    e.start_date, timestamptz '2026-11-01 06:00+00'
from generate_series(12, 22) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;

insert into public.integrations (
    id, organization_id, provider, name, status, external_account, secret_ref, connected_at, created_at
)
select
    ('5a000000-00a0-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'stripe', 'Payments', 'connected', 'acct_sample_' || o, 'vault/sample/stripe-' || o,
    timestamptz '2026-01-05 09:00+00', timestamptz '2026-01-05 08:55+00'
from generate_series(1, 3) as o;

insert into public.integration_logs (
    id, organization_id, integration, direction, operation, status, http_status, latency_ms, error,
    created_at
)
select
    ('5a000000-00a1-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex((n - 1) % 3 + 1), 12, '0'))::uuid,
    'stripe', 'outbound', 'payment_intent.create',
    case when n % 10 = 0 then 'error' else 'success' end,
    case when n % 10 = 0 then 503 else 200 end,
    80 + n * 7 % 200,
    case when n % 10 = 0 then 'The service is not available' end,
    timestamptz '2026-11-01 00:00+00' + n * interval '5 hours'
from generate_series(1, 60) as n;

insert into public.webhook_endpoints (
    id, organization_id, url, events, secret_hash, is_active, created_at
)
select
    ('5a000000-00a2-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'https://hooks' || o || '.example/orders', array['order.confirmed'],
    encode(sha256(convert_to('sample webhook ' || o, 'UTF8')), 'hex'), false,
    timestamptz '2026-01-10 09:00+00'
from generate_series(1, 3) as o;

insert into public.webhook_deliveries (
    id, organization_id, endpoint_id, event_type, event_key, payload, status, attempts,
    http_status, delivered_at, created_at
)
select
    ('5a000000-00a3' || right(o.id::text, 23))::uuid,
    o.organization_id, ('5a000000-00a2' || right(o.organization_id::text, 23))::uuid,
    'order.confirmed', o.id::text, jsonb_build_object('order_id', o.id), 'delivered', 1, 204,
    o.confirmed_at + interval '2 seconds', o.confirmed_at
from generate_series(1, 30) as n
join public.orders o
    on o.id = ('5a000000-0040-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
where o.confirmed_at is not null;

insert into public.payment_webhook_events (
    id, organization_id, provider, event_id, event_type, payload, attempts, processed_at, created_at
)
select
    ('5a000000-0054' || right(p.id::text, 23))::uuid,
    p.organization_id, p.provider, 'evt_sample_' || right(p.provider_ref, -10),
    'payment_intent.succeeded',
    jsonb_build_object('id', p.provider_ref, 'amount', p.amount_cents), 1,
    p.paid_at, p.paid_at
from generate_series(1, 30) as n
join public.payments p
    on p.id = ('5a000000-0042-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;

insert into public.files (
    id, organization_id, event_id, bucket, path, name, content_type, size_bytes, owner_id, created_at
)
select
    ('5a000000-00a4-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    e.organization_id, e.id, 'event-media', e.organization_id || '/posters/' || n || '.png',
    'poster.png', 'image/png', 180000 + n * 1000, e.created_by, e.created_at
from generate_series(1, 12) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;

insert into public.surveys (id, organization_id, event_id, title, questions, status, created_at)
select
    ('5a000000-00b0-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    e.organization_id, e.id, 'How was it?',
    '[{"key": "nps", "kind": "scale"}, {"key": "comment", "kind": "text"}]'::jsonb,
    'closed', e.end_date
from generate_series(1, 11) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
where n <> 5;

insert into public.survey_responses (
    id, organization_id, survey_id, ticket_id, user_id, answers, nps, created_at
)
select
    ('5a000000-00b1' || right(t.id::text, 23))::uuid,
    t.organization_id, s.id, t.id, a.user_id, '{"comment": "Well organized."}'::jsonb,
    (array[10, 9, 8, 9, 7, 10, 5, 9])[x.n / 20 % 8 + 1],
    s.created_at + interval '1 day'
from public.tickets t
join public.surveys s
    on s.event_id = t.event_id
    and s.id between '5a000000-00b0-4000-8000-000000000000' and '5a000000-00b0-4000-8000-ffffffffffff'
join public.attendees a on a.id = t.attendee_id
cross join lateral (select ('x' || right(t.id::text, 8))::bit(32)::integer as n) x
where t.status = 'used'
    and x.n % 20 = 1
    and t.id between '5a000000-0046-4000-8000-000000000000' and '5a000000-0046-4000-8000-ffffffffffff';

insert into public.analytics_events (
    id, occurred_at, organization_id, event_id, name, session_key, props
)
select
    ('5a000000-00b2-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    timestamptz '2026-11-01 00:00+00' + n * interval '13 minutes',
    e.organization_id, e.id,
    case n % 4 when 0 then 'checkout.started' else 'page.viewed' end,
    'visit-' || n / 4,
    jsonb_build_object('path', '/events/' || e.slug)
from generate_series(1, 1500) as n
join public.events e
    on e.id = ('5a000000-0021-4000-8000-' || lpad(to_hex(12 + n % 11), 12, '0'))::uuid;

insert into public.kpi_snapshots (
    id, organization_id, kpi_key, grain, period_start, value, currency, computed_at, created_at
)
select
    ('5a000000-00b3-4000-8000-' || lpad(to_hex(m.o * 100 + m.month), 12, '0'))::uuid,
    g.id, 'orders', 'month', make_date(2026, m.month, 1),
    (
        select count(*)
        from public.orders x
        where x.organization_id = g.id
            and x.confirmed_at >= make_timestamptz(2026, m.month, 1, 0, 0, 0, 'UTC')
            and x.confirmed_at < make_timestamptz(2026, m.month, 1, 0, 0, 0, 'UTC') + interval '1 month'
    ),
    null, timestamptz '2026-11-01 01:00+00', timestamptz '2026-11-01 01:00+00'
from (
    select o, month from generate_series(1, 3) as o cross join generate_series(1, 10) as month
) m
join public.organizations g
    on g.id = ('5a000000-0001-4000-8000-' || lpad(to_hex(m.o), 12, '0'))::uuid
on conflict (organization_id, scope_id, kpi_key, grain, period_start) do nothing;

insert into public.dashboards (id, organization_id, name, layout, is_default, created_by, created_at)
select
    ('5a000000-00b4-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    ('5a000000-0001-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    'Overview', '{"rows": [["gross_revenue", "tickets_sold"], ["attendance_rate", "nps"]]}'::jsonb,
    true, ('5a000000-0002-4000-8000-' || lpad(to_hex(o), 12, '0'))::uuid,
    timestamptz '2026-01-10 09:00+00'
from generate_series(1, 3) as o;
