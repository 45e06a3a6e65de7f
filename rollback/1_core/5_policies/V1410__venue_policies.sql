delete from app_private.table_policies
where table_name in (
    'venues', 'venue_spaces', 'vendors', 'event_vendors'
);

drop policy event_vendors_service on public.event_vendors;
drop policy event_vendors_delete on public.event_vendors;
drop policy event_vendors_update on public.event_vendors;
drop policy event_vendors_insert on public.event_vendors;
drop policy event_vendors_select on public.event_vendors;
revoke all on table public.event_vendors from anon, authenticated, service_role;

drop policy vendors_service on public.vendors;
drop policy vendors_delete on public.vendors;
drop policy vendors_update on public.vendors;
drop policy vendors_insert on public.vendors;
drop policy vendors_select on public.vendors;
revoke all on table public.vendors from anon, authenticated, service_role;

drop policy venue_spaces_service on public.venue_spaces;
drop policy venue_spaces_delete on public.venue_spaces;
drop policy venue_spaces_update on public.venue_spaces;
drop policy venue_spaces_insert on public.venue_spaces;
drop policy venue_spaces_select on public.venue_spaces;
drop policy venue_spaces_anon_select on public.venue_spaces;
revoke all on table public.venue_spaces from anon, authenticated, service_role;

drop policy venues_service on public.venues;
drop policy venues_delete on public.venues;
drop policy venues_update on public.venues;
drop policy venues_insert on public.venues;
drop policy venues_select on public.venues;
drop policy venues_anon_select on public.venues;
revoke all on table public.venues from anon, authenticated, service_role;
