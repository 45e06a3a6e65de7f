-- pgbench script: one purchase by a guest, in a transaction of its own, through the
-- API's function and as the API's role.
--   PGOPTIONS='-c role=anon' pgbench -n -M prepared -c 16 -j 2 -T 10 -D categories=100 -f benches/purchase.sql
-- It needs ticket categories b0000000-0000-4000-8000-000000000001 and so on, as many as
-- -D says, on sale and large enough; the connecting role is a member of anon.
-- categories=1 is the worst case: all buyers want the same row.
\set n random(1, :categories)
\set q random(1, 4)
\set buyer random(1, 1000000)
select public.purchase_tickets(
    ticket_category_id => ('b0000000-0000-4000-8000-' || lpad((:n)::text, 12, '0'))::uuid,
    quantity => (:q)::integer,
    customer_email => 'buyer' || :buyer || '@example.com'
);
