-- Exactly the rows that V3230 made, by their ids, children first.

delete from public.invoice_lines
where id between '5a000000-0053-4000-8000-000000000000' and '5a000000-0053-4000-8000-ffffffffffff';

delete from public.invoices
where id between '5a000000-0052-4000-8000-000000000000' and '5a000000-0052-4000-8000-ffffffffffff';

delete from public.payouts
where id between '5a000000-0050-4000-8000-000000000000' and '5a000000-0050-4000-8000-ffffffffffff';

delete from public.waitlist_entries
where id between '5a000000-0048-4000-8000-000000000000' and '5a000000-0048-4000-8000-ffffffffffff';

delete from public.session_registrations
where id between '5a000000-0049-4000-8000-000000000000' and '5a000000-0049-4000-8000-ffffffffffff';

delete from public.check_ins
where id between '5a000000-0047-4000-8000-000000000000' and '5a000000-0047-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('check_ins', 'invoice_lines', 'invoices', 'payouts', 'session_registrations', 'waitlist_entries')
    and record_id like '5a000000-%';
