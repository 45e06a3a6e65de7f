-- Exactly the rows that V3140 made, by their ids, children first.

delete from public.promo_codes
where id between '5a000000-0033-4000-8000-000000000000' and '5a000000-0033-4000-8000-ffffffffffff';

delete from public.pricing_rules
where id between '5a000000-0031-4000-8000-000000000000' and '5a000000-0031-4000-8000-ffffffffffff';

delete from public.ticket_categories
where id between '5a000000-0030-4000-8000-000000000000' and '5a000000-0030-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('pricing_rules', 'promo_codes', 'ticket_categories')
    and record_id like '5a000000-%';
