-- Exactly the rows that V3210 made, by their ids, children first.

delete from public.promo_code_redemptions
where id between '5a000000-0044-4000-8000-000000000000' and '5a000000-0044-4000-8000-ffffffffffff';

delete from public.tickets
where id between '5a000000-0046-4000-8000-000000000000' and '5a000000-0046-4000-8000-ffffffffffff';

delete from public.attendees
where id between '5a000000-0045-4000-8000-000000000000' and '5a000000-0045-4000-8000-ffffffffffff';

-- Orders and payments refer to each other: both go in one statement. Items go with
-- their orders.
with gone as (
    delete from public.payments
    where id between '5a000000-0042-4000-8000-000000000000' and '5a000000-0042-4000-8000-ffffffffffff'
)
delete from public.orders
where id between '5a000000-0040-4000-8000-000000000000' and '5a000000-0040-4000-8000-ffffffffffff';

delete from public.tax_rates
where id between '5a000000-0051-4000-8000-000000000000' and '5a000000-0051-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('orders', 'payments', 'refunds', 'tax_rates', 'tickets')
    and record_id like '5a000000-%';
