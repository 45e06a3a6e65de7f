drop function public.analytics_dashboard(uuid, uuid, text, date);
drop function app_private.refresh_kpis(text, date, uuid, boolean);
drop function app_private.kpi_values(uuid, uuid, timestamptz, timestamptz);
drop function app_private.period_end(text, date);
drop function app_private.period_start(text, date);
