-- Analytics: see V1200 for what is indexed and why.

-- On the parent: every partition gets its own.
create index analytics_events_organization_idx
    on public.analytics_events (organization_id, occurred_at);
create index analytics_events_event_idx
    on public.analytics_events (event_id, organization_id, occurred_at);

create index kpi_snapshots_event_idx on public.kpi_snapshots (event_id, organization_id);
create index kpi_snapshots_kpi_idx on public.kpi_snapshots (kpi_key);
create index dashboards_creator_idx on public.dashboards (created_by);

-- One dashboard is shown first.
create unique index dashboards_default_idx on public.dashboards (organization_id)
    where is_default;

create index survey_responses_ticket_idx on public.survey_responses (ticket_id, organization_id);
create index survey_responses_user_idx on public.survey_responses (user_id);
