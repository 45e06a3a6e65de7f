-- Operations: see V1200 for what is indexed and why.

-- On the parent: every partition gets its own.
create index audit_log_organization_idx on public.audit_log (organization_id, created_at);

-- The history of one row.
create index audit_log_record_idx on public.audit_log (table_name, record_id, created_at);

create index integration_logs_organization_idx
    on public.integration_logs (organization_id, created_at);

-- Failures of the last hour, which monitoring counts.
create index integration_logs_error_idx on public.integration_logs (created_at)
    where status = 'error';
