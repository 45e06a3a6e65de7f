-- The plan's ticket purchase, end to end: an event is made and published, a guest buys, pays, gets
-- his tickets, is let in, and gets his money back.
-- Needs: phases 1 and 2.
\ir support/begin.sql
\ir support/catalog.sql
\ir support/people.sql
\ir support/shop.sql
select * from no_plan();

-- The purchase ---------------------------------------------------------------------------------

create temporary table bought on commit drop as
select pg_temp.run('anon', format($$ select public.purchase_tickets(
    ticket_category_id => %L, quantity => 3, customer_email => 'Guest@Buyer.example',
    customer_name => 'A Guest', idempotency_key => 'flow-1') $$, pg_temp.category(1)))::jsonb as answer;
create function pg_temp.order_id() returns uuid
language sql stable as $$ select (answer ->> 'id')::uuid from bought $$;

select is((select answer ->> 'order_status' from bought), 'pending', 'an order waits for its payment');
select is((select answer ->> 'quantity' from bought), '3', 'it has the quantity that was asked for');
select is((select answer ->> 'total_cents' from bought), '7500', 'and the price of three');
select is((select answer ->> 'replayed' from bought), 'false', 'the first time is the first time');
select is(pg_temp.stock(1), '0/3', 'its tickets are held, not sold');
select is((select count(*) from public.tickets where order_id = pg_temp.order_id()), 0::bigint, 'nothing is issued before it is paid');
select is((select status || ' ' || amount_cents from public.payments where order_id = pg_temp.order_id()), 'pending 7500',
    'there is a payment to make');
select is((select status from public.ticket_reservations where order_id = pg_temp.order_id()), 'active', 'there is a reservation');
select is(
    (pg_temp.run('anon', format($$ select public.purchase_tickets(
        ticket_category_id => %L, quantity => 3, customer_email => 'Guest@Buyer.example',
        customer_name => 'A Guest', idempotency_key => 'flow-1') $$, pg_temp.category(1)))::jsonb) ->> 'id',
    pg_temp.order_id()::text, 'the same request again is the same order');
select is(pg_temp.stock(1), '0/3', 'and holds nothing more');
select is(pg_temp.reason('anon', format($$ select public.purchase_tickets(
        ticket_category_id => %L, quantity => 2, customer_email => 'Guest@Buyer.example',
        idempotency_key => 'flow-1') $$, pg_temp.category(1))),
    'idempotency_key_reused', 'another request under that key is refused');

-- Who sees it ----------------------------------------------------------------------------------

select is(pg_temp.outcome('a4', format('select from public.orders where id = %L', pg_temp.order_id())), '1', 'the organizer sees the order');
select is(pg_temp.outcome('b1', format('select from public.orders where id = %L', pg_temp.order_id())), '0', 'another tenant does not');
select is(pg_temp.outcome('c1', format('select from public.orders where id = %L', pg_temp.order_id())), '0', 'another buyer does not');

-- The payment ----------------------------------------------------------------------------------

update public.payments set status = 'succeeded', provider_ref = 'pi_flow_1' where order_id = pg_temp.order_id();
select is((select order_status from public.orders where id = pg_temp.order_id()), 'confirmed', 'what is paid is confirmed');
select isnt((select payment_id from public.orders where id = pg_temp.order_id()), null, 'the order knows its payment');
select is((select count(*) from public.tickets where order_id = pg_temp.order_id() and status = 'valid'), 3::bigint,
    'one ticket for each unit');
select is((select count(distinct code) from public.tickets where order_id = pg_temp.order_id()), 3::bigint, 'each with a code of its own');
select is(pg_temp.stock(1), '3/0', 'what was held is sold');
select is((select status from public.ticket_reservations where order_id = pg_temp.order_id()), 'converted', 'the reservation is over');
update public.payments set status = status where order_id = pg_temp.order_id();
select is((select count(*) from public.tickets where order_id = pg_temp.order_id()), 3::bigint, 'no write makes more of them');
select is((select paid_at is not null from public.payments where order_id = pg_temp.order_id()), true, 'the payment has its time');

-- The door -------------------------------------------------------------------------------------

create temporary table door on commit drop as
select id from public.tickets where order_id = pg_temp.order_id() order by ordinal limit 1;
select is(pg_temp.outcome('a6', format($$ insert into public.check_ins (organization_id, ticket_id)
        values (%L, %L) $$, pg_temp.org('a'), (select id from door))), '42501', 'a plain member does not work at the door');
select is(pg_temp.run('a5', format($$ insert into public.check_ins (organization_id, ticket_id, device)
        values (%L, %L, 'gate 1') returning 'in' $$, pg_temp.org('a'), (select id from door))), 'in',
    'staff lets the guest in');
select is((select status from public.tickets where id = (select id from door)), 'used', 'his ticket is used');
select is(pg_temp.reason('a5', format($$ insert into public.check_ins (organization_id, ticket_id)
        values (%L, %L) $$, pg_temp.org('a'), (select id from door))), 'already_checked_in', 'it lets nobody else in');
update public.check_ins set undone_at = now() where ticket_id = (select id from door);
select is((select status from public.tickets where id = (select id from door)), 'valid', 'a check-in can be undone');

-- The refund -----------------------------------------------------------------------------------

insert into public.refunds (organization_id, payment_id, amount_cents, currency, status)
select organization_id, id, 2500, currency, 'succeeded' from public.payments where order_id = pg_temp.order_id();
select is((select order_status from public.orders where id = pg_temp.order_id()), 'partially_refunded', 'a part given back is a part refunded');
select is(pg_temp.stock(1), '3/0', 'which keeps the tickets');
select is(pg_temp.reason('service_role', format($$ insert into public.refunds (organization_id, payment_id, amount_cents, currency)
        select organization_id, id, 5001, currency from public.payments where order_id = %L $$, pg_temp.order_id())),
    'refund_too_high', 'nobody gets back more than he paid');
insert into public.refunds (organization_id, payment_id, amount_cents, currency, status)
select organization_id, id, 5000, currency, 'succeeded' from public.payments where order_id = pg_temp.order_id();
select is((select order_status from public.orders where id = pg_temp.order_id()), 'refunded', 'all given back is refunded');
select is((select status from public.payments where order_id = pg_temp.order_id()), 'refunded', 'and so is the payment');
select is((select count(*) from public.tickets where order_id = pg_temp.order_id() and status = 'void'), 3::bigint, 'its tickets are void');
select is(pg_temp.stock(1), '0/0', 'and for sale again');
select is(pg_temp.reason('a5', format($$ insert into public.check_ins (organization_id, ticket_id)
        values (%L, %L) $$, pg_temp.org('a'), (select id from door))), 'ticket_void', 'a void ticket lets nobody in');
select is(
    (select string_agg(distinct action, ',' order by action) from public.audit_log
        where table_name = 'orders' and record_id = pg_temp.order_id()::text),
    'INSERT,UPDATE', 'the audit log has the order''s life');

-- A free order, by somebody with an account ------------------------------------------------------

create temporary table gratis on commit drop as
select pg_temp.run('c1', format($$ select public.purchase_tickets(ticket_category_id => %L, quantity => 2) $$,
    pg_temp.category(2)))::jsonb as answer;
select is((select answer ->> 'order_status' from gratis), 'confirmed', 'what costs nothing is confirmed at once');
select is((select jsonb_array_length(answer -> 'tickets') from gratis), 2, 'with its tickets');
select is((select answer ->> 'customer_email' from gratis), 'c1@fixture.example', 'the account''s address is the buyer''s');
select is(pg_temp.outcome('c1', format('select from public.tickets where order_id = %L', (select answer ->> 'id' from gratis))), '2',
    'the buyer reads his tickets');
select is(pg_temp.outcome('c2', format('select from public.tickets where order_id = %L', (select answer ->> 'id' from gratis))), '0',
    'somebody else does not');
select is(pg_temp.stock(2), '2/0', 'two are sold');

-- What is refused ------------------------------------------------------------------------------

select is(pg_temp.reason('anon', format('select public.purchase_tickets(ticket_category_id => %L, quantity => %s, customer_email => %L)',
        c.category, c.quantity, c.email)), c.reason, c.what)
from (values
    (pg_temp.category(1), 7, 'x@buyer.example', 'too_many', 'more than one order may have'),
    (pg_temp.category(1), 0, 'x@buyer.example', 'invalid_quantity', 'none at all'),
    (pg_temp.category(1), -1, 'x@buyer.example', 'invalid_quantity', 'fewer than none'),
    (pg_temp.category(1), 1, 'nobody', 'invalid_email', 'an address that is none'),
    (pg_temp.category(9), 1, 'x@buyer.example', 'category_not_found', 'a category that is not there')
) as c (category, quantity, email, reason, what);
select is(pg_temp.reason('anon', format('select public.purchase_tickets(items => %L, customer_email => %L)',
        jsonb_build_array(jsonb_build_object('category_id', pg_temp.category(2), 'quantity', 8),
            jsonb_build_object('category_id', pg_temp.category(2), 'quantity', 1)), 'x@buyer.example')),
    'sold_out', 'the same category twice counts together');
update public.events set status = 'postponed' where id = '0000e000-0000-4000-8000-00000000000a';
select is(pg_temp.reason('anon', format('select public.purchase_tickets(ticket_category_id => %L, customer_email => %L)',
        pg_temp.category(1), 'x@buyer.example')), 'event_not_on_sale', 'an event that is not on sale');
update public.events set status = 'confirmed' where id = '0000e000-0000-4000-8000-00000000000a';
update public.events set visibility = 'private' where id = '0000e000-0000-4000-8000-00000000000a';
select is(pg_temp.reason('anon', format('select public.purchase_tickets(ticket_category_id => %L, customer_email => %L)',
        pg_temp.category(1), 'x@buyer.example')), 'category_not_found', 'a private event is not there for a guest');

select * from finish();
rollback;
