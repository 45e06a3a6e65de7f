-- Exactly the rows that V3110 made, by their ids, children first.

delete from public.vendors
where id between '5a000000-0012-4000-8000-000000000000' and '5a000000-0012-4000-8000-ffffffffffff';

delete from public.venue_spaces
where id between '5a000000-0011-4000-8000-000000000000' and '5a000000-0011-4000-8000-ffffffffffff';

delete from public.venues
where id between '5a000000-0010-4000-8000-000000000000' and '5a000000-0010-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('vendors', 'venue_spaces', 'venues')
    and record_id like '5a000000-%';
