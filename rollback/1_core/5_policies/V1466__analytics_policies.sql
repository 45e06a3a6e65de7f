delete from app_private.table_policies
where table_name in (
    'analytics_events', 'kpi_definitions', 'kpi_snapshots', 'dashboards', 'survey_responses'
);

drop policy survey_responses_service on public.survey_responses;
drop policy survey_responses_delete on public.survey_responses;
drop policy survey_responses_insert on public.survey_responses;
drop policy survey_responses_select on public.survey_responses;
revoke insert (
    id, organization_id, survey_id, ticket_id, user_id, answers, nps
) on table public.survey_responses from authenticated;
revoke all on table public.survey_responses from anon, authenticated, service_role;

drop policy dashboards_service on public.dashboards;
drop policy dashboards_delete on public.dashboards;
drop policy dashboards_update on public.dashboards;
drop policy dashboards_insert on public.dashboards;
drop policy dashboards_select on public.dashboards;
revoke all on table public.dashboards from anon, authenticated, service_role;

drop policy kpi_snapshots_service on public.kpi_snapshots;
drop policy kpi_snapshots_select on public.kpi_snapshots;
revoke all on table public.kpi_snapshots from anon, authenticated, service_role;

drop policy kpi_definitions_service on public.kpi_definitions;
drop policy kpi_definitions_select on public.kpi_definitions;
drop policy kpi_definitions_anon_select on public.kpi_definitions;
revoke all on table public.kpi_definitions from anon, authenticated, service_role;

drop policy analytics_events_service on public.analytics_events;
drop policy analytics_events_select on public.analytics_events;
revoke all on table public.analytics_events from anon, authenticated, service_role;
