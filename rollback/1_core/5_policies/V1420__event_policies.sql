delete from app_private.table_policies
where table_name in (
    'event_categories', 'event_series', 'events', 'event_team_members', 'event_sessions',
    'speakers', 'session_speakers', 'session_registrations', 'event_status_history',
    'event_templates'
);

drop policy event_templates_service on public.event_templates;
drop policy event_templates_delete on public.event_templates;
drop policy event_templates_update on public.event_templates;
drop policy event_templates_insert on public.event_templates;
drop policy event_templates_select on public.event_templates;
revoke all on table public.event_templates from anon, authenticated, service_role;

drop policy event_status_history_service on public.event_status_history;
drop policy event_status_history_select on public.event_status_history;
revoke all on table public.event_status_history from anon, authenticated, service_role;

drop policy session_registrations_service on public.session_registrations;
drop policy session_registrations_delete on public.session_registrations;
drop policy session_registrations_update on public.session_registrations;
drop policy session_registrations_insert on public.session_registrations;
drop policy session_registrations_select on public.session_registrations;
revoke all on table public.session_registrations from anon, authenticated, service_role;

drop policy session_speakers_service on public.session_speakers;
drop policy session_speakers_delete on public.session_speakers;
drop policy session_speakers_update on public.session_speakers;
drop policy session_speakers_insert on public.session_speakers;
drop policy session_speakers_select on public.session_speakers;
drop policy session_speakers_anon_select on public.session_speakers;
revoke all on table public.session_speakers from anon, authenticated, service_role;

drop policy speakers_service on public.speakers;
drop policy speakers_delete on public.speakers;
drop policy speakers_update on public.speakers;
drop policy speakers_insert on public.speakers;
drop policy speakers_select on public.speakers;
drop policy speakers_anon_select on public.speakers;
revoke all on table public.speakers from anon, authenticated, service_role;

drop policy event_sessions_service on public.event_sessions;
drop policy event_sessions_delete on public.event_sessions;
drop policy event_sessions_update on public.event_sessions;
drop policy event_sessions_insert on public.event_sessions;
drop policy event_sessions_select on public.event_sessions;
drop policy event_sessions_anon_select on public.event_sessions;
revoke all on table public.event_sessions from anon, authenticated, service_role;

drop policy event_team_members_service on public.event_team_members;
drop policy event_team_members_delete on public.event_team_members;
drop policy event_team_members_update on public.event_team_members;
drop policy event_team_members_insert on public.event_team_members;
drop policy event_team_members_select on public.event_team_members;
revoke all on table public.event_team_members from anon, authenticated, service_role;

drop policy events_service on public.events;
drop policy events_delete on public.events;
drop policy events_update on public.events;
drop policy events_insert on public.events;
drop policy events_select on public.events;
drop policy events_anon_select on public.events;
revoke all on table public.events from anon, authenticated, service_role;

drop policy event_series_service on public.event_series;
drop policy event_series_delete on public.event_series;
drop policy event_series_update on public.event_series;
drop policy event_series_insert on public.event_series;
drop policy event_series_select on public.event_series;
revoke all on table public.event_series from anon, authenticated, service_role;

drop policy event_categories_service on public.event_categories;
drop policy event_categories_select on public.event_categories;
drop policy event_categories_anon_select on public.event_categories;
revoke all on table public.event_categories from anon, authenticated, service_role;
