drop index public.integration_logs_error_idx;
drop index public.integration_logs_organization_idx;
drop index public.audit_log_record_idx;
drop index public.audit_log_organization_idx;
