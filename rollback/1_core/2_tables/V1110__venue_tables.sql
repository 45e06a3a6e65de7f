-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.vendors;
drop table public.venue_spaces;
drop table public.venues;
