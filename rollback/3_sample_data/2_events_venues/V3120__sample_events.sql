-- Exactly the rows that V3120 made, by their ids, children first.

delete from public.event_vendors
where id between '5a000000-0027-4000-8000-000000000000' and '5a000000-0027-4000-8000-ffffffffffff';

delete from public.event_templates
where id between '5a000000-0026-4000-8000-000000000000' and '5a000000-0026-4000-8000-ffffffffffff';

delete from public.event_team_members
where id between '5a000000-0022-4000-8000-000000000000' and '5a000000-0022-4000-8000-ffffffffffff';

delete from public.events
where id between '5a000000-0021-4000-8000-000000000000' and '5a000000-0021-4000-8000-ffffffffffff';

delete from public.event_series
where id between '5a000000-0020-4000-8000-000000000000' and '5a000000-0020-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('event_series', 'event_team_members', 'event_templates', 'event_vendors', 'events')
    and record_id like '5a000000-%';
