-- That the hot queries use the index that was made for them, on tables large enough for the planner
-- to have a choice: its plan is read, nothing is timed.
-- Needs: phase 1.
\ir support/begin.sql
\ir support/catalog.sql
\ir support/people.sql
select * from no_plan();

-- Some thousands of rows, of forty tenants, written past the triggers: what they say does not matter,
-- how many there are does.
do $$
declare
    t text;
begin
    foreach t in array array['organizations', 'events', 'ticket_categories', 'orders', 'order_items', 'tickets',
        'payments', 'ticket_reservations', 'attendees', 'integration_logs', 'tasks', 'notifications',
        'scheduled_jobs', 'check_ins'] loop
        execute format('alter table public.%I disable trigger user', t);
    end loop;
end
$$;
create function pg_temp.id(kind text, n integer) returns uuid
language sql immutable as $$ select (md5(kind || n))::uuid $$;

insert into public.organizations (id, name, slug)
select pg_temp.id('o', n), 'Load ' || n, 'load-' || n from generate_series(1, 40) n;
insert into public.organization_members (organization_id, user_id, role)
select pg_temp.id('o', 1), id, 'owner' from people where account = 'c2';
insert into public.events (id, organization_id, name, start_date, end_date, status, visibility)
select pg_temp.id('e', n), pg_temp.id('o', 1 + n % 40), 'Load ' || n, now() + (n - 1000) * interval '1 hour',
    now() + (n - 998) * interval '1 hour', case n % 4 when 0 then 'planning' else 'confirmed' end,
    case n % 20 when 1 then 'public' else 'private' end
from generate_series(1, 2000) n;
insert into public.ticket_categories (id, organization_id, event_id, name, capacity)
select pg_temp.id('c', n), pg_temp.id('o', 1 + n % 40), pg_temp.id('e', n), 'Load', 1000 from generate_series(1, 2000) n;
insert into public.orders (id, organization_id, event_id, customer_email, order_status, created_at, idempotency_key)
select pg_temp.id('r', n), pg_temp.id('o', 1 + n % 40), pg_temp.id('e', 1 + (n - 1) % 2000),
    ('load' || n % 1000 || '@buyer.example')::extensions.citext,
    case n % 10 when 0 then 'pending' else 'confirmed' end, now() - n * interval '10 minutes', 'load-' || n
from generate_series(1, 3000) n;
insert into public.order_items (id, organization_id, order_id, category_id, quantity, unit_price_cents)
select pg_temp.id('i', n), pg_temp.id('o', 1 + n % 40), pg_temp.id('r', n), pg_temp.id('c', 1 + (n - 1) % 2000), 1, 0
from generate_series(1, 3000) n;
insert into public.tickets (id, organization_id, event_id, order_id, order_item_id, category_id)
select pg_temp.id('t', n), pg_temp.id('o', 1 + n % 40), pg_temp.id('e', 1 + (n - 1) % 2000), pg_temp.id('r', n),
    pg_temp.id('i', n), pg_temp.id('c', 1 + (n - 1) % 2000)
from generate_series(1, 3000) n;
insert into public.payments (organization_id, order_id, provider, provider_ref, amount_cents, currency)
select pg_temp.id('o', 1 + n % 40), pg_temp.id('r', n), 'stripe', 'pi_load_' || n, 0, 'USD' from generate_series(1, 3000) n;
insert into public.ticket_reservations (organization_id, category_id, order_id, quantity, status, created_at, expires_at)
select pg_temp.id('o', 1 + n % 40), pg_temp.id('c', 1 + (n - 1) % 2000), pg_temp.id('r', n), 1,
    case n % 100 when 0 then 'active' else 'converted' end, now() - interval '1 day', now() - interval '1 day' + n * interval '1 minute'
from generate_series(1, 3000) n;
insert into public.integration_logs (organization_id, integration, status, created_at)
select pg_temp.id('o', 1 + n % 40), 'stripe', case n % 50 when 0 then 'error' else 'success' end, now() - n * interval '1 minute'
from generate_series(1, 4000) n;
insert into public.audit_log (organization_id, action, table_name, record_id, txid, created_at)
select pg_temp.id('o', 1 + n % 40), 'UPDATE', 'orders', pg_temp.id('r', n)::text, n,
    '2026-12-01'::timestamptz + n * interval '10 minutes'
from generate_series(1, 3000) n;
insert into public.analytics_events (organization_id, name, occurred_at)
select pg_temp.id('o', 1 + n % 40), 'load.viewed', '2026-12-01'::timestamptz + n * interval '10 minutes' from generate_series(1, 3000) n;
insert into public.tasks (organization_id, title, status, due_date)
select pg_temp.id('o', 1 + n % 40), 'Load ' || n, case n % 5 when 0 then 'todo' else 'done' end, now() + n * interval '1 hour'
from generate_series(1, 3000) n;
insert into public.notifications (organization_id, user_id, kind, title, created_at, read_at)
select pg_temp.org('a'), p.id, 'load.test', 'Load ' || n, now() - n * interval '1 minute', case n % 10 when 0 then null else now() end
from generate_series(1, 4000) n join people p on p.account = 'a' || (1 + n % 7);
insert into public.scheduled_jobs (organization_id, kind, run_at, status)
select pg_temp.id('o', 1 + n % 40), 'load.test', now() + (n - 100) * interval '1 minute',
    case n % 20 when 0 then 'queued' else 'succeeded' end
from generate_series(1, 3000) n;
analyze public.organizations, public.organization_members, public.events, public.ticket_categories, public.orders,
    public.order_items, public.tickets, public.payments, public.ticket_reservations, public.integration_logs,
    public.audit_log, public.analytics_events, public.tasks, public.notifications, public.scheduled_jobs;

-- The indexes of a query's plan and the tables it reads from end to end, of the query as a persona
-- runs it: `owner` is nobody's, and goes past the policies. An index of a partition counts as its
-- parent's.
create function pg_temp.plan(who text, query text, out indexes text[], out scanned text[], out partitions bigint)
language plpgsql
as $$
declare
    told json;
begin
    if who <> 'owner' then
        perform pg_temp.be(who);
        execute format('set local role %I', pg_temp.role_of(who));
    end if;
    execute 'explain (format json) ' || query into told;
    if who <> 'owner' then
        execute 'reset role';
        perform pg_temp.be(null);
    end if;
    with recursive nodes as (
        select (told -> 0 -> 'Plan') as node
        union all
        select child from nodes cross join lateral json_array_elements(coalesce(node -> 'Plans', '[]')) child
    )
    select array_agg(distinct coalesce(
            'public.' || (node -> 'Conflict Arbiter Indexes' ->> 0),
            (select p.inhparent::regclass::text from pg_catalog.pg_inherits p
                join pg_catalog.pg_class c on c.oid = p.inhrelid where c.relname = node ->> 'Index Name'),
            'public.' || (node ->> 'Index Name'))) filter (where coalesce(node ->> 'Index Name', node -> 'Conflict Arbiter Indexes' ->> 0) is not null),
        -- Of a table that is empty, such as a month to come, nothing is faster.
        array_agg(distinct node ->> 'Relation Name') filter (where node ->> 'Node Type' = 'Seq Scan' and exists (
            select from pg_catalog.pg_class c where c.relname = node ->> 'Relation Name' and c.reltuples > 200)),
        count(distinct node ->> 'Relation Name') filter (where node ->> 'Relation Name' ~ '_[0-9]{4}_[0-9]{2}$|_default$')
    into indexes, scanned, partitions
    from nodes;
    indexes := array(select regexp_replace(i, '^public\.', '') from unnest(indexes) i);
end
$$;

create temporary table hot (what text, who text, query text, index text) on commit drop;
\ir support/hot_queries.sql

select ok(string_to_array(h.index, '|') && p.indexes and coalesce(p.scanned, '{}') = '{}',
    format('%s: by %s (index %s%s)', h.what, h.index, coalesce(p.indexes::text, 'none'),
        ', seq scan ' || p.scanned::text))
from hot h cross join lateral pg_temp.plan(h.who, h.query) p;
select is_empty(
    $$ select index from hot
       where not exists (select from unnest(string_to_array(index, '|')) i where to_regclass('public.' || i) is not null) $$,
    'every index of the list is there');
select cmp_ok((pg_temp.plan('owner', $$ select from public.audit_log
    where created_at >= '2026-12-05' and created_at < '2026-12-06' $$)).partitions, '<=', 2::bigint,
    'a day of the audit log is looked for in its month (and the default)');

select * from finish();
rollback;
