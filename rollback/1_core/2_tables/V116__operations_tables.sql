-- The months that are attached go with their parent, the default partition too. A
-- detached month is somebody's archive and stays, which V101's rollback reports.
drop table public.integration_logs;
drop table public.audit_log;
drop function app_private.ensure_audit_partitions(date, date);
