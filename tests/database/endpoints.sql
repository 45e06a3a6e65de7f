-- The functions behind the plan's endpoints: what each answers, to whom, and what it refuses.
-- Needs: phases 1 and 2.
\ir support/begin.sql
\ir support/catalog.sql
\ir support/people.sql
\ir support/shop.sql
select * from no_plan();

-- POST /api/events -----------------------------------------------------------------------------

create temporary table made on commit drop as
select pg_temp.run('a3', format($$ select public.create_event(organization_id => %L, name => ' Autumn fair ',
    start_date => '2027-10-01 09:00+00', capacity => 100, details => '{"slug": "autumn"}',
    ticket_categories => '[{"name": "Standard", "price_cents": 1000, "capacity": 60}, {"name": "Free", "capacity": 40}]') $$,
    pg_temp.org('a')))::jsonb as answer;
create function pg_temp.made_id() returns uuid language sql stable as $$ select (answer ->> 'id')::uuid from made $$;
select is((select answer ->> 'name' from made), 'Autumn fair', 'a manager makes an event');
select is((select answer ->> 'status' from made), 'planning', 'which is being planned');
select is((select jsonb_array_length(answer -> 'ticket_categories') from made), 2, 'with its ticket categories');
select is((select created_by from public.events where id = pg_temp.made_id()), (select id from people where account = 'a3'), 'and its author');
select is(pg_temp.reason(who, format($$ select public.create_event(organization_id => %L, name => 'X', start_date => '2027-10-01') $$,
    pg_temp.org('a'))), reason, 'create_event: ' || what)
from (values ('a6', 'not_allowed', 'a plain member may not'), ('a7', 'not_allowed', 'a suspended one may not'),
    ('b1', 'not_allowed', 'another tenant may not'), ('c2', 'not_allowed', 'a stranger may not'), ('anon', '42501', 'a guest may not')) c (who, reason, what);
select is(pg_temp.reason('a1', format($$ select public.create_event(organization_id => %L, name => %L, start_date => '2027-10-01', end_date => %L) $$,
    pg_temp.org('a'), name, ends)), reason, 'create_event: ' || what)
from (values (' ', '2027-10-02', 'missing_field', 'no name'), ('X', '2027-09-30', 'invalid_dates', 'an end before the start')) c (name, ends, reason, what);
select is(pg_temp.reason('a1', format($$ select public.create_event(organization_id => %L, name => 'X', start_date => '2027-10-01', capacity => 10,
    ticket_categories => '[{"name": "A", "capacity": 11}]') $$, pg_temp.org('a'))), 'over_event_capacity', 'create_event: more tickets than places');

-- GET /api/events/:id --------------------------------------------------------------------------

select is((pg_temp.run('anon', $$ select public.get_event('0000e000-0000-4000-8000-00000000000a') $$))::jsonb ->> 'name', 'Fixture fair',
    'a guest reads what is public');
select is(pg_temp.reason(who, format('select public.get_event(%L)', pg_temp.made_id())), reason, 'get_event: ' || what)
from (values ('anon', 'event_not_found', 'a guest reads nothing private'), ('b1', 'event_not_found', 'nor does another tenant'),
    ('a7', 'event_not_found', 'nor a suspended member'), ('a6', null, 'a member does')) c (who, reason, what);
select is((pg_temp.run('anon', $$ select public.get_event('0000e000-0000-4000-8000-00000000000a') $$))::jsonb #>> '{ticket_categories,0,available}', '10',
    'it says how many tickets are left');
select ok(not ((pg_temp.run('anon', $$ select public.get_event('0000e000-0000-4000-8000-00000000000a') $$))::jsonb::text ~ 'created_by|"sold"|"reserved"'),
    'and not who made it or what was sold');

-- POST /api/sponsors/deals ---------------------------------------------------------------------

create temporary table deal on commit drop as
select pg_temp.run('a2', $$ select public.create_sponsor_deal(event_id => '0000e000-0000-4000-8000-00000000000a',
    sponsor_name => 'New sponsor', stage => 'proposal', amount_cents => 500000) $$)::jsonb as answer;
select is((select answer ->> 'stage' || ' ' || (answer ->> 'amount_cents') || ' ' || (answer ->> 'probability') from deal), 'proposal 500000 50', 'an admin makes a deal');
select is((select count(*) from public.sponsors where name = 'New sponsor' and organization_id = pg_temp.org('a')), 1::bigint, 'with a sponsor that was not known');
select is(pg_temp.reason(who, $$ select public.create_sponsor_deal(event_id => '0000e000-0000-4000-8000-00000000000a', sponsor_name => 'X') $$), reason,
    'create_sponsor_deal: ' || what)
from (values ('a6', 'not_allowed', 'a plain member may not'), ('b1', 'not_allowed', 'another tenant may not, on a public event'), ('anon', '42501', 'a guest may not')) c (who, reason, what);
select is(pg_temp.reason('a2', $$ select public.create_sponsor_deal(event_id => '0000e000-0000-4000-8000-00000000000a') $$), 'missing_field', 'a deal needs a sponsor');

-- GET /api/analytics/dashboard -----------------------------------------------------------------

create temporary table told on commit drop as
select pg_temp.run('anon', format($$ select public.purchase_tickets(ticket_category_id => %L, quantity => 2, customer_email => 'd@buyer.example') $$,
    pg_temp.category(1)))::jsonb as answer;
update public.payments set status = 'succeeded' where order_id = (select (answer ->> 'id')::uuid from told);
create temporary table board on commit drop as
select who, pg_temp.run(who, format('select public.analytics_dashboard(organization_id => %L)', pg_temp.org('a')))::jsonb as answer
from (values ('a1'), ('a4'), ('a6')) w (who);
select is((select count(*) from public.kpi_definitions), 25::bigint, 'there are twenty-five key figures');
select is_empty(
    $$ select d.key from public.kpi_definitions d cross join board b
       where b.who = 'a1' and b.answer::text not like '%"' || d.key || '"%' $$,
    'the owner''s dashboard has every one of them');
select is(pg_temp.reason(who, format('select public.analytics_dashboard(organization_id => %L)', pg_temp.org('a'))), reason, 'analytics_dashboard: ' || what)
from (values ('b1', 'not_allowed', 'not another tenant''s'), ('c2', 'not_allowed', 'not a stranger''s'), ('anon', '42501', 'not a guest''s')) c (who, reason, what);

-- The payment webhook --------------------------------------------------------------------------

select is(pg_temp.outcome(who, $$ select public.payment_webhook('stripe', 'evt_x', 'payment.succeeded', '{}') $$), '42501', 'payment_webhook: ' || who || ' may not')
from (values ('anon'), ('a1'), ('c1')) c (who);
create temporary table paid on commit drop as
select pg_temp.run('anon', format($$ select public.purchase_tickets(ticket_category_id => %L, quantity => 1, customer_email => 'w@buyer.example') $$,
    pg_temp.category(1)))::jsonb ->> 'id' as order_id;
create function pg_temp.deliver(event text, kind text, amount bigint) returns text
language sql
as $$
    select pg_temp.run('service_role', format('select public.payment_webhook(%L, %L, %L, %L) ->> %L', 'stripe', event, kind,
        jsonb_build_object('payment_id', p.id, 'provider_ref', 'pi_endpoint', 'amount_cents', amount, 'currency', 'usd'), 'status'))
    from public.payments p where p.order_id = (select order_id from paid)::uuid
$$;
select is(pg_temp.deliver('evt_1', 'payment.succeeded', 1), 'failed', 'an amount that is not the payment''s is not taken');
select is((select order_status from public.orders where id = (select order_id from paid)::uuid), 'pending', 'and pays for nothing');
select is(pg_temp.deliver('evt_2', 'payment.succeeded', 2500), 'processed', 'the right amount is');
select is((select order_status from public.orders where id = (select order_id from paid)::uuid), 'confirmed', 'and confirms the order');
select is(pg_temp.deliver('evt_2', 'payment.succeeded', 2500), 'duplicate', 'the same event again is a duplicate');
select is(pg_temp.deliver('evt_3', 'payment.failed', 2500), 'processed', 'what has succeeded');
select is((select status from public.payments where order_id = (select order_id from paid)::uuid), 'succeeded', 'does not fail afterwards');
select is((select count(*) from public.integration_logs where integration = 'stripe' and status = 'error' and request_id = 'evt_1'), 1::bigint, 'what failed is in the log');

-- A provider's own refunds: each event has the charge's total so far.
create function pg_temp.refunded(event text, total bigint) returns text
language sql
as $$
    select pg_temp.run('service_role', format('select public.payment_webhook(%L, %L, %L, %L) ->> %L', 'stripe', event, 'charge.refunded',
        jsonb_build_object('data', jsonb_build_object('object', jsonb_build_object('id', 'ch_endpoint', 'payment_intent', 'pi_endpoint',
            'amount', 2500, 'amount_refunded', total, 'currency', 'usd'))), 'status'))
$$;
create function pg_temp.refunds() returns text
language sql
as $$
    select string_agg(r.amount_cents::text, ' ' order by r.amount_cents)
    from public.refunds r
    join public.payments p on p.id = r.payment_id
    where p.order_id = (select order_id from paid)::uuid and r.status = 'succeeded'
$$;
select is(pg_temp.refunded('evt_4', 1000), 'processed', 'a part refunded at the provider');
select is(pg_temp.refunds(), '1000', 'is a refund here');
select is(pg_temp.refunded('evt_5', 1000), 'processed', 'told once more under another id');
select is(pg_temp.refunds(), '1000', 'it is no second one');
select is(pg_temp.refunded('evt_6', 1300), 'processed', 'a further part');
select is(pg_temp.refunds(), '300 1000', 'is what was added to the total');
select is(pg_temp.refunded('evt_7', 2500), 'processed', 'the rest');
select is((select status from public.payments where order_id = (select order_id from paid)::uuid), 'refunded', 'makes the payment refunded');
select is(pg_temp.refunds(), '300 1000 1200', 'in three refunds');
select is(pg_temp.refunded('evt_8', 1300), 'processed', 'an event that comes late');
select is(pg_temp.refunds(), '300 1000 1200', 'takes nothing back');

select * from finish();
rollback;
