-- The tenants last of all. A row that somebody added to one of them stops this.

delete from public.organizations
where id between '5a000000-0001-4000-8000-000000000000' and '5a000000-0001-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('organizations')
    and record_id like '5a000000-%';
