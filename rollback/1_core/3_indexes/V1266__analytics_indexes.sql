drop index public.survey_responses_user_idx;
drop index public.survey_responses_ticket_idx;
drop index public.dashboards_default_idx;
drop index public.dashboards_creator_idx;
drop index public.kpi_snapshots_kpi_idx;
drop index public.kpi_snapshots_event_idx;
drop index public.analytics_events_event_idx;
drop index public.analytics_events_organization_idx;
