-- The rules of the business, each by the way that keeps it and by the way that breaks it.
-- Needs: phases 1 and 2.
\ir support/begin.sql
\ir support/catalog.sql
\ir support/people.sql
\ir support/shop.sql
select * from no_plan();

-- Buys, as a guest, and returns the order's id.
create function pg_temp.buy(n integer, q integer, email text default 'guest@buyer.example', code text default null) returns uuid
language sql
as $$
    select (pg_temp.run('anon', format(
        'select public.purchase_tickets(ticket_category_id => %L, quantity => %s, customer_email => %L, promo_code => %L)',
        pg_temp.category(n), q, email, code))::jsonb ->> 'id')::uuid
$$;
create function pg_temp.pay(order_id uuid) returns void
language sql
as $$ update public.payments p set status = 'succeeded' where p.order_id = pay.order_id $$;

-- Status machines ------------------------------------------------------------------------------

-- Every step that is not listed is refused, on every machine: tried on rows of its own.
create temporary table machines on commit drop as
select distinct machine, case machine when 'orders' then 'order_status' when 'deals' then 'stage' else 'status' end as col
from app_private.status_transitions;
select set_eq('select machine from machines', array['events', 'orders', 'payments', 'refunds', 'tickets', 'deals', 'tasks'],
    'seven tables have a status machine');
select is_empty(
    $$ select m.machine from machines m
       where not exists (select from pg_catalog.pg_trigger g
           where g.tgrelid = format('public.%I', m.machine)::regclass and g.tgname = 'check_transition') $$,
    'each of them is guarded');
select is_empty(
    $$ select t.machine, w.word from app_private.status_transitions t
       cross join lateral (values (t.from_status), (t.to_status)) w (word)
       join machines m on m.machine = t.machine
       where not exists (select from pg_catalog.pg_constraint k
           join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum] and a.attname = m.col
           where k.conrelid = format('public.%I', t.machine)::regclass and k.contype = 'c'
               and pg_catalog.pg_get_constraintdef(k.oid) like '%''' || w.word || '''%') $$,
    'every word of a machine is one that the table knows');
insert into public.events (organization_id, name, start_date, end_date, status)
select pg_temp.org('a'), 'Machine ' || s, now() + interval '1 day', now() + interval '2 days', s
from unnest(array['draft', 'planning', 'confirmed', 'live', 'completed', 'cancelled', 'postponed']) s;
select is(
    pg_temp.reason('a1', format('update public.events set status = %L where name = %L', t.to_status, 'Machine ' || f.from_status)),
    case when exists (select from app_private.status_transitions x where x.machine = 'events'
        and x.from_status = f.from_status and x.to_status = t.to_status) then null else 'illegal_transition' end,
    format('an event from %s to %s', f.from_status, t.to_status))
from unnest(array['draft', 'planning', 'confirmed', 'live', 'completed', 'cancelled', 'postponed']) f (from_status)
cross join unnest(array['draft', 'planning', 'confirmed', 'live', 'completed', 'cancelled', 'postponed']) t (to_status)
where f.from_status <> t.to_status;
select is(pg_temp.reason('a1', $$ update public.events set status = 'planning' where name = 'Machine completed' $$),
    'illegal_transition', 'what is over does not begin again');
update public.events set status = 'confirmed' where name = 'Machine planning';
select is((select string_agg(coalesce(from_status, '-') || '>' || to_status, ' ' order by h.created_at, from_status nulls first)
        from public.event_status_history h join public.events e on e.id = h.event_id where e.name = 'Machine planning'),
    '->planning planning>confirmed', 'an event''s states are kept');

-- Stock ----------------------------------------------------------------------------------------

select throws_ok(format('update public.ticket_categories set sold = 11 where id = %L', pg_temp.category(1)),
    '23514', null, 'no way sells more than there is');
create temporary table orders_made on commit drop as
select pg_temp.buy(1, 6) as six, pg_temp.buy(1, 4) as four;
select is(pg_temp.stock(1), '0/10', 'all ten are held');
select is(pg_temp.reason('anon', format('select public.purchase_tickets(ticket_category_id => %L, customer_email => %L)',
    pg_temp.category(1), 'late@buyer.example')), 'sold_out', 'the eleventh is not there');
insert into public.waitlist_entries (organization_id, category_id, email, quantity, user_id)
select pg_temp.org('a'), pg_temp.category(1), p.email, 4, p.id from people p where p.account = 'c1';
insert into public.waitlist_entries (organization_id, category_id, email, quantity)
values (pg_temp.org('a'), pg_temp.category(1), 'second@buyer.example', 1);
update public.orders set order_status = 'cancelled' where id = (select four from orders_made);
select is(pg_temp.stock(1), '0/6', 'a cancelled order gives back what it held');
select is((select status from public.ticket_reservations where order_id = (select four from orders_made)), 'released', 'its reservation is released');
select is((select string_agg(status, ' ' order by position) from public.waitlist_entries where category_id = pg_temp.category(1)), 'notified waiting',
    'who waited first is told first, as far as the stock goes');
select is((select count(*) from public.notifications where user_id = (select id from people where account = 'c1')), 1::bigint,
    'with a notification where there is an account');
select is((select count(*) from public.scheduled_jobs where kind = 'waitlist.notify' and organization_id = pg_temp.org('a')), 1::bigint, 'and one job to write to him');
select pg_temp.pay(six) from orders_made \g /dev/null
select is(pg_temp.stock(1), '6/0', 'a paid order sells what it held');
update public.orders set order_status = 'cancelled' where id = (select six from orders_made);
select is(pg_temp.stock(1), '0/0', 'a confirmed order that is cancelled gives the tickets back');
select is((select count(*) from public.tickets where order_id = (select six from orders_made) and status <> 'void'), 0::bigint,
    'and leaves none that are valid');
select is_empty(
    $$ select c.name from public.ticket_categories c
       where c.sold <> (select count(*) from public.tickets t where t.category_id = c.id and t.status <> 'void')
           or c.reserved <> (select coalesce(sum(quantity), 0) from public.ticket_reservations r
               where r.category_id = c.id and r.status = 'active') $$,
    'the stock is the number of tickets and reservations');

-- Imports --------------------------------------------------------------------------------------

insert into public.orders (id, organization_id, event_id, customer_email, order_status, quantity)
values
    ('00004000-0000-4000-8000-000000000001', pg_temp.org('a'), '0000e000-0000-4000-8000-00000000000a', 'one@import.example', 'confirmed', 2),
    ('00004000-0000-4000-8000-000000000002', pg_temp.org('a'), '0000e000-0000-4000-8000-00000000000a', 'two@import.example', 'confirmed', 1);
insert into public.order_items (organization_id, order_id, category_id, quantity, unit_price_cents)
values
    (pg_temp.org('a'), '00004000-0000-4000-8000-000000000001', pg_temp.category(2), 2, 0),
    (pg_temp.org('a'), '00004000-0000-4000-8000-000000000002', pg_temp.category(2), 1, 0);
select is((select string_agg(s.tickets::text, ' ' order by s.order_id) from (select order_id, count(*) as tickets from public.tickets
        where order_id between '00004000-0000-4000-8000-000000000001' and '00004000-0000-4000-8000-000000000002' group by order_id) s),
    '2 1', 'confirmed orders that are imported have one ticket per unit');
select is(pg_temp.stock(2), '3/0', 'and those are sold');

-- Orders ---------------------------------------------------------------------------------------

create temporary table frozen on commit drop as select pg_temp.buy(3, 2) as id;
select pg_temp.pay(id) from frozen \g /dev/null
select is((select total_cents from public.orders where id = (select id from frozen)), 19800::bigint, 'a total is the sum of the items');
select is(pg_temp.reason('service_role', format('update public.orders set discount_cents = 1 where id = %L', (select id from frozen))),
    'prices_frozen', 'a confirmed order keeps its prices');
select is(pg_temp.reason('a4', format('update public.order_items set quantity = 1 where order_id = %L', (select id from frozen))),
    'prices_frozen', 'and its items');
select is(pg_temp.reason('service_role', format('update public.payments set amount_cents = 1 where order_id = %L', (select id from frozen))),
    'payment_fixed', 'what was paid stays what was paid');
select is(pg_temp.reason('service_role', format('update public.orders set quantity = 1 where id = %L', (select id from frozen))),
    'totals_follow_items', 'nobody writes totals past the items');
insert into public.payments (organization_id, order_id, provider, amount_cents, currency, status, provider_ref)
select organization_id, id, 'stripe', total_cents, currency, 'succeeded', 'pi_twice' from public.orders where id = (select id from frozen);
select is((select r.status || ' ' || r.amount_cents from public.refunds r join public.payments p on p.id = r.payment_id
        where p.provider_ref = 'pi_twice'), 'pending 19800', 'who pays twice gets one of them back');
select is((select count(*) from public.tickets where order_id = (select id from frozen)), 2::bigint, 'and no tickets twice');
select is((select count(*) from public.scheduled_jobs where kind = 'refund.execute' and organization_id = pg_temp.org('a')), 1::bigint, 'a job gives it back');

-- Promo codes ----------------------------------------------------------------------------------

insert into public.promo_codes (organization_id, code, kind, value, max_uses) values
    (pg_temp.org('a'), 'HALF', 'percent', 5000, 1),
    (pg_temp.org('b'), 'OTHERS', 'percent', 5000, 1);
insert into public.promo_codes (organization_id, code, kind, value, currency, valid_until) values
    (pg_temp.org('a'), 'OVER', 'fixed', 100, 'USD', now() - interval '1 day');
create temporary table promo on commit drop as select pg_temp.buy(1, 2, code => 'half') as id;
select is((select discount_cents || ' ' || total_cents from public.orders where id = (select id from promo)), '2500 2500',
    'half is half, whatever the case of the code');
select is((select used from public.promo_codes where code = 'HALF' and organization_id = pg_temp.org('a')), 1, 'a use is counted');
select is(pg_temp.reason('anon', format('select public.purchase_tickets(ticket_category_id => %L, customer_email => %L, promo_code => %L)',
    pg_temp.category(1), 'x@buyer.example', c.code)), c.reason, c.what)
from (values ('HALF', 'promo_code_used_up', 'a code is used as often as it may be'),
    ('OVER', 'invalid_promo_code', 'a code of yesterday'),
    ('OTHERS', 'invalid_promo_code', 'another tenant''s code'),
    ('NONE', 'invalid_promo_code', 'a code that is none')) as c (code, reason, what);
update public.orders set order_status = 'cancelled' where id = (select id from promo);
select is((select used from public.promo_codes where code = 'HALF' and organization_id = pg_temp.org('a')), 0, 'a cancelled order gives the use back');

-- Prices ---------------------------------------------------------------------------------------

select set_config('app.price_source', 'engine', true) is not null as is_set \g /dev/null
update public.ticket_categories set price_cents = 2600 where id = pg_temp.category(1);
select is((select old_price_cents || '>' || new_price_cents || ' ' || source from public.price_history
        where category_id = pg_temp.category(1) and old_price_cents is not null), '2500>2600 engine', 'a price that changes is kept, with its source');

-- Sponsors and tasks ---------------------------------------------------------------------------

insert into public.sponsors (id, organization_id, name) values ('00005000-0000-4000-8000-000000000001', pg_temp.org('a'), 'Sponsor');
insert into public.sponsor_packages (id, organization_id, event_id, name, tier, price_cents, slots)
values ('00005000-0000-4000-8000-000000000002', pg_temp.org('a'), '0000e000-0000-4000-8000-00000000000a', 'Title', 'title', 100000, 1);
insert into public.deals (organization_id, event_id, sponsor_id, package_id, title)
select pg_temp.org('a'), '0000e000-0000-4000-8000-00000000000a', '00005000-0000-4000-8000-000000000001',
    '00005000-0000-4000-8000-000000000002', 'Deal ' || n from generate_series(1, 2) n;
update public.deals set stage = 'won' where title = 'Deal 1';
select is((select taken from public.sponsor_packages where id = '00005000-0000-4000-8000-000000000002'), 1, 'a deal that is won takes a slot');
select is((select probability || ' ' || (closed_at is not null) from public.deals where title = 'Deal 1'), '100 true', 'and is certain');
select is(pg_temp.reason('a3', $$ update public.deals set stage = 'won' where title = 'Deal 2' $$), 'no_slot_left', 'the last slot is taken once');
update public.deals set stage = 'lost' where title = 'Deal 1';
select is((select taken from public.sponsor_packages where id = '00005000-0000-4000-8000-000000000002'), 0, 'a deal that is lost gives it back');
select is((select string_agg(coalesce(from_stage, '-') || '>' || to_stage, ' ' order by h.created_at, from_stage <> 'lead')
        from public.deal_stage_history h join public.deals d on d.id = h.deal_id where d.title = 'Deal 1' and from_stage is not null),
    'lead>won won>lost', 'a deal''s stages are kept');
insert into public.tasks (id, organization_id, title) values
    ('00007000-0000-4000-8000-000000000001', pg_temp.org('a'), 'First'),
    ('00007000-0000-4000-8000-000000000002', pg_temp.org('a'), 'Second');
update public.tasks set depends_on = '00007000-0000-4000-8000-000000000001' where title = 'Second';
select is(pg_temp.reason('a3', $$ update public.tasks set status = 'done' where title = 'Second' $$), 'task_blocked', 'first things first');
select is(pg_temp.reason('a3', $$ update public.tasks set depends_on = '00007000-0000-4000-8000-000000000002' where title = 'First' $$),
    'task_circle', 'no task waits for itself');
update public.tasks set status = 'done' where title = 'First';
select is(pg_temp.reason('a3', $$ update public.tasks set status = 'done' where title = 'Second' $$), null, 'then the second can be done');

-- Workflows ------------------------------------------------------------------------------------

insert into public.workflows (organization_id, name, trigger_event, conditions) values
    (pg_temp.org('a'), 'On confirmation', 'order.confirmed', '{}'),
    (pg_temp.org('a'), 'On large ones', 'order.confirmed', '{"quantity": 99}'),
    (pg_temp.org('b'), 'Of another tenant', 'order.confirmed', '{}');
insert into public.workflows (organization_id, name, trigger_event, enabled) values
    (pg_temp.org('a'), 'Switched off', 'order.confirmed', false);
create temporary table automated on commit drop as select pg_temp.buy(2, 1) as id;
select is((select string_agg(w.name, ', ') from public.workflow_runs r join public.workflows w on w.id = r.workflow_id
        where r.organization_id in (pg_temp.org('a'), pg_temp.org('b'))),
    'On confirmation', 'a confirmation starts the workflows that it meets');
select is((select count(*) from public.scheduled_jobs where kind = 'workflow.run' and organization_id = pg_temp.org('a')), 1::bigint, 'by a job in the outbox');
select is((select count(*) from public.scheduled_jobs where kind = 'tickets.deliver'
        and payload ->> 'order_id' = (select id::text from automated)), 1::bigint, 'another job delivers the tickets');

-- Accounts -------------------------------------------------------------------------------------

select lives_ok($$ insert into auth.users (id, email, raw_user_meta_data)
    values ('00000000-0000-4000-8000-0000000000d1', 'd1@fixture.example', '{"full_name": "D One", "avatar_url": "javascript:x", "locale": "??"}') $$,
    'a sign-up goes through, whatever it brings along');
select is((select full_name || ' ' || locale || ' ' || (avatar_url is null) from public.profiles where id = '00000000-0000-4000-8000-0000000000d1'),
    'D One en true', 'and has a profile with what is usable of it');
select lives_ok($$ insert into auth.users (id, email, raw_user_meta_data)
    values ('00000000-0000-4000-8000-0000000000d2', null, '"nonsense"') $$, 'even with nothing usable');

-- The audit log --------------------------------------------------------------------------------

select is(pg_temp.run('a1', format('update public.events set name = %L where name = %L returning 1', 'Renamed', 'Machine draft')), '1', 'a member renames an event');
select is(
    (select actor_id || ' ' || actor_role || ' ' || changed_keys::text || ' ' || (old_values ->> 'name') || ' ' || (new_values ->> 'name')
        from public.audit_log where table_name = 'events' and action = 'UPDATE' and new_values ? 'name' and organization_id = pg_temp.org('a')),
    '00000000-0000-4000-8000-0000000000a1 authenticated {name} Machine draft Renamed', 'the log says who changed what, and no more');
insert into public.api_keys (organization_id, name, prefix, key_hash) values (pg_temp.org('a'), 'k', 'evk_1234', repeat('ab', 32));
select is((select new_values ->> 'key_hash' from public.audit_log where table_name = 'api_keys' and organization_id = pg_temp.org('a')), '***', 'no secret, not even a hash, is in the log');

select * from finish();
rollback;
