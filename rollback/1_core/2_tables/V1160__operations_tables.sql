-- The months that are attached go with their parent, the default partition too. A
-- detached month is somebody's archive and stays, which V1010's rollback reports.
drop table public.integration_logs;
drop function app_private.maintain_month_partitions();
drop function app_private.drop_month_partitions(text, date);
drop function app_private.ensure_month_partitions(text, date, date);
drop table app_private.partitioned_tables;
drop table public.audit_log;
