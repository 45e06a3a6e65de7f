delete from app_private.table_policies
where table_name in (
    'audit_log', 'integration_logs'
);

drop policy integration_logs_service on public.integration_logs;
drop policy integration_logs_select on public.integration_logs;
revoke all on table public.integration_logs from anon, authenticated, service_role;

drop policy audit_log_service on public.audit_log;
drop policy audit_log_select on public.audit_log;
revoke all on table public.audit_log from anon, authenticated, service_role;
