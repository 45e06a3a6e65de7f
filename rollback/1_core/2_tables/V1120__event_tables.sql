-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.event_vendors;
drop table public.event_templates;
drop table public.event_status_history;
drop table public.session_speakers;
drop table public.speakers;
drop table public.event_sessions;
drop table public.event_team_members;
drop table public.events;
drop table public.event_series;
drop table public.event_categories;
