-- What a CHECK cannot say, because it is about two tables. Each rule locks the row that
-- holds the limit, so that two changes that are each within it cannot pass together.

create function app_private.check_event_capacity()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    place_capacity integer;
    offered bigint;
begin
    if new.venue_id is not null then
        select v.capacity into place_capacity
        from public.venues v
        where v.id = new.venue_id and v.organization_id = new.organization_id
        for share;
        if new.capacity > place_capacity then
            perform app_private.fail(
                422, 'over_venue_capacity',
                format('the venue holds %s people, the event admits %s', place_capacity, new.capacity),
                'Lower the capacity, or take another venue.',
                jsonb_build_object('venue_capacity', place_capacity, 'capacity', new.capacity)
            );
        end if;
    end if;

    if tg_op = 'UPDATE' and coalesce(new.capacity, place_capacity) is not null then
        select sum(case c.status when 'closed' then c.sold::bigint + c.reserved else c.capacity end)
        into offered
        from public.ticket_categories c
        where c.event_id = new.id and c.organization_id = new.organization_id;
        if offered > coalesce(new.capacity, place_capacity) then
            perform app_private.fail(
                422, 'over_event_capacity',
                format('%s tickets are offered, the event admits %s',
                    offered, coalesce(new.capacity, place_capacity)),
                'Lower the capacity of ticket categories first.',
                jsonb_build_object('offered', offered,
                    'capacity', coalesce(new.capacity, place_capacity))
            );
        end if;
    end if;
    return new;
end
$$;

revoke all on function app_private.check_event_capacity() from public;

comment on function app_private.check_event_capacity() is
    'Row trigger: an event admits no more than its venue holds, and no fewer than it offers tickets.';

create trigger check_capacity before insert or update of capacity, venue_id on public.events
    for each row execute function app_private.check_event_capacity();

create function app_private.check_venue_capacity()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    crowded record;
begin
    select e.id, e.name into crowded
    from public.events e
    where e.venue_id = new.id
        and e.organization_id = new.organization_id
        and e.end_date > now()
        and e.status not in ('completed', 'cancelled')
        and greatest(e.capacity::bigint, (
            select sum(case c.status when 'closed' then c.sold::bigint + c.reserved else c.capacity end)
            from public.ticket_categories c
            where c.event_id = e.id and c.organization_id = e.organization_id
        )) > new.capacity
    order by e.start_date
    limit 1;
    if found then
        perform app_private.fail(
            422, 'over_venue_capacity', format('the event %s needs more room', crowded.name),
            'Lower the event''s capacity first.', jsonb_build_object('event_id', crowded.id)
        );
    end if;
    return new;
end
$$;

revoke all on function app_private.check_venue_capacity() from public;

comment on function app_private.check_venue_capacity() is
    'Row trigger: a venue does not shrink below the events that are planned in it.';

create trigger check_capacity before update of capacity on public.venues
    for each row when (new.capacity is not null and new.capacity is distinct from old.capacity)
    execute function app_private.check_venue_capacity();

-- Sessions

create function app_private.check_session()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    whole record;
    room record;
begin
    select e.start_date, e.end_date, e.venue_id into whole
    from public.events e
    where e.id = new.event_id and e.organization_id = new.organization_id;
    if not found then
        return new;
    end if;
    if new.starts_at < whole.start_date or new.ends_at > whole.end_date then
        perform app_private.fail(
            422, 'outside_event', 'the session is not within its event',
            'Correct starts_at and ends_at, or the dates of the event.',
            jsonb_build_object('start_date', whole.start_date, 'end_date', whole.end_date)
        );
    end if;
    if new.space_id is not null then
        select s.venue_id, s.capacity into room
        from public.venue_spaces s
        where s.id = new.space_id and s.organization_id = new.organization_id;
        if found and room.venue_id is distinct from whole.venue_id then
            perform app_private.fail(
                422, 'other_venue', 'the space belongs to another venue than the event',
                'Take a space of the event''s venue.', jsonb_build_object('space_id', new.space_id)
            );
        end if;
        if found and new.capacity > room.capacity then
            perform app_private.fail(
                422, 'over_space_capacity',
                format('the space holds %s people, the session admits %s', room.capacity, new.capacity),
                'Lower the capacity, or take another space.',
                jsonb_build_object('space_capacity', room.capacity, 'capacity', new.capacity)
            );
        end if;
    end if;
    return new;
end
$$;

revoke all on function app_private.check_session() from public;

comment on function app_private.check_session() is
    'Row trigger: a session lies within its event, in a space of its venue that is large enough.';

create trigger check_session before insert or update of event_id, space_id, starts_at, ends_at, capacity
    on public.event_sessions
    for each row execute function app_private.check_session();

create function app_private.check_session_registration()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    seat record;
    admission record;
    taken bigint;
begin
    if new.status = 'cancelled' then
        return new;
    end if;
    select s.event_id, s.status, coalesce(s.capacity, p.capacity) as capacity into seat
    from public.event_sessions s
    left join public.venue_spaces p on p.id = s.space_id and p.organization_id = s.organization_id
    where s.id = new.session_id and s.organization_id = new.organization_id
    for no key update of s;
    select t.event_id, t.status into admission
    from public.tickets t
    where t.id = new.ticket_id and t.organization_id = new.organization_id;
    if seat.event_id is distinct from admission.event_id then
        perform app_private.fail(
            422, 'other_event', 'the ticket is for another event', 'Use a ticket of this event.'
        );
    end if;
    if admission.status = 'void' then
        perform app_private.fail(
            409, 'ticket_void', 'the ticket is void', 'Use a valid ticket.'
        );
    end if;
    if seat.status = 'cancelled' then
        perform app_private.fail(
            409, 'session_cancelled', 'the session is cancelled', 'Choose another one.'
        );
    end if;
    if seat.capacity is not null and (tg_op = 'INSERT' or old.status = 'cancelled') then
        select count(*) into taken
        from public.session_registrations r
        where r.session_id = new.session_id
            and r.organization_id = new.organization_id
            and r.status <> 'cancelled'
            and r.id <> new.id;
        if taken >= seat.capacity then
            perform app_private.fail(
                409, 'session_full', 'the session is full', 'Choose another one.',
                jsonb_build_object('capacity', seat.capacity)
            );
        end if;
    end if;
    return new;
end
$$;

revoke all on function app_private.check_session_registration() from public;

comment on function app_private.check_session_registration() is
    'Row trigger: a seat goes to a valid ticket of the same event while there is one.';

create trigger check_registration before insert or update of session_id, ticket_id, status
    on public.session_registrations
    for each row execute function app_private.check_session_registration();
