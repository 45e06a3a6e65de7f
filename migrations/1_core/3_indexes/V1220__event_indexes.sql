-- Events: see V1200 for what is indexed and why.

-- A tenant's calendar.
create index events_organization_start_idx on public.events (organization_id, start_date);

-- What is on, for anyone.
create index events_public_start_idx on public.events (start_date)
    where is_public;

create index events_venue_idx on public.events (venue_id, organization_id);
create index events_category_idx on public.events (category_id);
create index events_series_idx on public.events (series_id, organization_id);
create index events_creator_idx on public.events (created_by);
create index event_team_members_member_idx on public.event_team_members (user_id, organization_id);

-- A programme in order.
create index event_sessions_event_idx
    on public.event_sessions (event_id, organization_id, starts_at);

create index event_sessions_space_idx on public.event_sessions (space_id, organization_id);
create index session_speakers_speaker_idx on public.session_speakers (speaker_id, organization_id);
create index session_registrations_ticket_idx
    on public.session_registrations (ticket_id, organization_id);
create index event_status_history_event_idx
    on public.event_status_history (event_id, organization_id, created_at);
create index event_status_history_actor_idx on public.event_status_history (actor_id);
