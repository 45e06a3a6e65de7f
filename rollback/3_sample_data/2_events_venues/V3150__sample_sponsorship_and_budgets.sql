-- Exactly the rows that V3150 made, by their ids, children first.

delete from public.deliverables
where id between '5a000000-0067-4000-8000-000000000000' and '5a000000-0067-4000-8000-ffffffffffff';

delete from public.deals
where id between '5a000000-0066-4000-8000-000000000000' and '5a000000-0066-4000-8000-ffffffffffff';

delete from public.sponsor_packages
where id between '5a000000-0065-4000-8000-000000000000' and '5a000000-0065-4000-8000-ffffffffffff';

delete from public.sponsor_contacts
where id between '5a000000-0064-4000-8000-000000000000' and '5a000000-0064-4000-8000-ffffffffffff';

delete from public.sponsors
where id between '5a000000-0063-4000-8000-000000000000' and '5a000000-0063-4000-8000-ffffffffffff';

delete from public.expenses
where id between '5a000000-0062-4000-8000-000000000000' and '5a000000-0062-4000-8000-ffffffffffff';

delete from public.budgets
where id between '5a000000-0061-4000-8000-000000000000' and '5a000000-0061-4000-8000-ffffffffffff';

delete from public.financial_periods
where id between '5a000000-0060-4000-8000-000000000000' and '5a000000-0060-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('budgets', 'deals', 'deliverables', 'expenses', 'financial_periods', 'sponsor_contacts', 'sponsor_packages', 'sponsors')
    and record_id like '5a000000-%';
