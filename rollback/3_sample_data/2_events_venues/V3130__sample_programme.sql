-- Exactly the rows that V3130 made, by their ids, children first.

delete from public.session_speakers
where id between '5a000000-0025-4000-8000-000000000000' and '5a000000-0025-4000-8000-ffffffffffff';

delete from public.event_sessions
where id between '5a000000-0023-4000-8000-000000000000' and '5a000000-0023-4000-8000-ffffffffffff';

delete from public.speakers
where id between '5a000000-0024-4000-8000-000000000000' and '5a000000-0024-4000-8000-ffffffffffff';

-- What the log says about these rows, their deletion included.
delete from public.audit_log
where table_name in ('event_sessions', 'session_speakers', 'speakers')
    and record_id like '5a000000-%';
