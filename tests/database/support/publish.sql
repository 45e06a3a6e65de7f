-- Publishes the fixture rows of the tables of kind P. A new one of that kind needs its line here.
update public.venues set is_published = true;
update public.speakers set is_published = true;
update public.events set visibility = 'public', status = 'confirmed';
update public.event_sessions set status = 'scheduled', space_id = null;
update public.ticket_categories set status = 'on_sale', is_hidden = false;
update public.sponsor_packages set is_published = true;
update public.surveys set status = 'open';
