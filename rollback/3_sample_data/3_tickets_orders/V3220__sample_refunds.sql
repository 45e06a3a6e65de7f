-- Exactly the rows that V3220 made, by their ids, children first.

delete from public.refunds
where id between '5a000000-0043-4000-8000-000000000000' and '5a000000-0043-4000-8000-ffffffffffff';

delete from public.payments
where id between '5a000000-0042-4000-8000-000000001389' and '5a000000-0042-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('payments', 'refunds')
    and record_id like '5a000000-%';
