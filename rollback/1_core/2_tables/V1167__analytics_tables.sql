-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.survey_responses;
drop table public.dashboards;
drop table public.kpi_snapshots;
drop table public.kpi_definitions;

-- The months that are attached go with their parent, as in V1160.
drop table public.analytics_events;
delete from app_private.partitioned_tables where table_name = 'analytics_events';
