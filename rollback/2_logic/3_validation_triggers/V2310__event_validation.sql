drop trigger check_registration on public.session_registrations;
drop function app_private.check_session_registration();
drop trigger check_session on public.event_sessions;
drop function app_private.check_session();
drop trigger check_capacity on public.venues;
drop function app_private.check_venue_capacity();
drop trigger check_capacity on public.events;
drop function app_private.check_event_capacity();
