-- What happens at the door, on the waiting list, and to prices and events over time.

-- The door: a ticket lets one person in, and shows that it did. The partial unique index
-- check_ins_active_idx is what holds when two scanners read the same ticket at once.
create function app_private.check_in_ticket()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    scanned record;
begin
    select t.status, e.status as event_status into scanned
    from public.tickets t
    join public.events e on e.id = t.event_id and e.organization_id = t.organization_id
    where t.id = new.ticket_id and t.organization_id = new.organization_id
    for no key update of t;
    if not found or new.undone_at is not null then
        return new;
    end if;
    if scanned.status = 'void' then
        perform app_private.fail(
            409, 'ticket_void', 'the ticket is void', 'Send the guest to the ticket desk.',
            jsonb_build_object('ticket_id', new.ticket_id)
        );
    end if;
    if scanned.status = 'used' then
        perform app_private.fail(
            409, 'already_checked_in', 'the ticket has been used already',
            'Undo the earlier check-in if it was a mistake.',
            jsonb_build_object('ticket_id', new.ticket_id)
        );
    end if;
    if scanned.event_status = 'cancelled' then
        perform app_private.fail(
            409, 'event_cancelled', 'the event is cancelled', 'Nobody is let in.',
            jsonb_build_object('ticket_id', new.ticket_id)
        );
    end if;
    return new;
end
$$;

create function app_private.mark_ticket_used()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    subject uuid := case tg_op when 'DELETE' then old.ticket_id else new.ticket_id end;
    inside boolean := exists (
        select from public.check_ins c where c.ticket_id = subject and c.undone_at is null
    );
begin
    update public.tickets t
    set status = case when inside then 'used' else 'valid' end
    where t.id = subject
        and t.status = case when inside then 'valid' else 'used' end;
    return null;
end
$$;

-- Check-ins come in thousands where a door was offline: their tickets move in one statement.
create function app_private.mark_tickets_used()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update public.tickets t
    set status = case when s.inside then 'used' else 'valid' end
    from (
        select n.ticket_id, exists (
            select from public.check_ins c
            where c.ticket_id = n.ticket_id and c.undone_at is null
        ) as inside
        from (select distinct r.ticket_id from new_rows r) n
    ) s
    where t.id = s.ticket_id
        and t.status = case when s.inside then 'valid' else 'used' end;
    return null;
end
$$;

revoke all on function app_private.check_in_ticket() from public;
revoke all on function app_private.mark_ticket_used() from public;
revoke all on function app_private.mark_tickets_used() from public;

comment on function app_private.check_in_ticket() is
    'Row trigger: only a valid, unused ticket of an event that was not cancelled lets somebody in.';
comment on function app_private.mark_ticket_used() is
    'Row trigger: a ticket is used while it has a check-in that was not undone.';
comment on function app_private.mark_tickets_used() is
    'Statement trigger: the same for the tickets of new check-ins.';

create trigger check_in_ticket before insert on public.check_ins
    for each row execute function app_private.check_in_ticket();

create trigger mark_ticket_used after update of undone_at or delete on public.check_ins
    for each row execute function app_private.mark_ticket_used();

create trigger mark_tickets_used after insert on public.check_ins
    referencing new table as new_rows
    for each statement execute function app_private.mark_tickets_used();

-- The waiting list moves whenever stock comes free, by whatever path. Who is told holds
-- his place for a day; after that the next ones are told as well.
create function app_private.promote_waitlist(_category_id uuid)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    stock record;
    available bigint;
    entry record;
    told integer := 0;
begin
    select c.organization_id, c.event_id, c.name, c.status,
        c.capacity::bigint - c.sold - c.reserved as available
    into stock
    from public.ticket_categories c
    where c.id = _category_id;
    if not found or stock.status <> 'on_sale' then
        return 0;
    end if;
    select stock.available - coalesce(sum(w.quantity), 0) into available
    from public.waitlist_entries w
    where w.category_id = _category_id
        and w.status = 'notified'
        and w.notified_at > now() - interval '1 day';

    for entry in
        select w.id, w.user_id, w.quantity
        from public.waitlist_entries w
        where w.category_id = _category_id and w.status = 'waiting'
        order by w.position
        for no key update skip locked
    loop
        exit when available <= 0;
        -- A family of five does not keep the one behind from a single ticket.
        continue when entry.quantity > available;
        update public.waitlist_entries w
        set status = 'notified', notified_at = now()
        where w.id = entry.id;
        available := available - entry.quantity;
        told := told + 1;

        insert into public.scheduled_jobs (organization_id, kind, payload, dedupe_key)
        values (
            stock.organization_id, 'waitlist.notify',
            jsonb_build_object('waitlist_entry_id', entry.id), entry.id::text
        )
        on conflict do nothing;
        insert into public.notifications (organization_id, user_id, kind, title, data)
        select stock.organization_id, entry.user_id, 'waitlist.available',
            left('Tickets are available: ' || stock.name, 200),
            jsonb_build_object('event_id', stock.event_id, 'category_id', _category_id)
        where entry.user_id is not null;
    end loop;
    return told;
end
$$;

revoke all on function app_private.promote_waitlist(uuid) from public;
grant execute on function app_private.promote_waitlist(uuid) to service_role;

comment on function app_private.promote_waitlist(uuid) is
    'Tells those who wait for a category, in order of arrival, as far as the free stock goes; returns how many.';

create function app_private.stock_freed()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform app_private.promote_waitlist(new.id);
    return null;
end
$$;

revoke all on function app_private.stock_freed() from public;

comment on function app_private.stock_freed() is
    'Row trigger: freed stock is offered to the waiting list.';

-- The condition keeps sales, which only ever take from the stock, free of charge.
create trigger stock_freed after update of sold, reserved, capacity, status on public.ticket_categories
    for each row when (
        new.capacity::bigint - new.sold - new.reserved > old.capacity::bigint - old.sold - old.reserved
        or (new.status = 'on_sale' and old.status <> 'on_sale')
    )
    execute function app_private.stock_freed();

-- Prices. Who sets one may say why: set_config('app.price_source', 'rule', true).
create function app_private.record_price()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    given constant text := nullif(current_setting('app.price_source', true), '');
begin
    insert into public.price_history (
        organization_id, category_id, old_price_cents, new_price_cents, currency, reason,
        source, actor_id
    )
    values (
        new.organization_id, new.id,
        case tg_op when 'UPDATE' then old.price_cents end,
        new.price_cents, new.currency,
        nullif(current_setting('app.price_reason', true), ''),
        case when given in ('manual', 'rule', 'engine', 'import') then given else 'manual' end,
        app_private.current_profile_id()
    );
    return null;
end
$$;

revoke all on function app_private.record_price() from public;

comment on function app_private.record_price() is
    'Row trigger: writes price_history. The settings app.price_source and app.price_reason of the transaction say why.';

create trigger record_price_insert after insert on public.ticket_categories
    for each row execute function app_private.record_price();

create trigger record_price_update after update of price_cents on public.ticket_categories
    for each row when (old.price_cents is distinct from new.price_cents)
    execute function app_private.record_price();

-- Events
create function app_private.record_event_status()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into public.event_status_history (
        organization_id, event_id, from_status, to_status, reason, actor_id
    )
    values (
        new.organization_id, new.id,
        case tg_op when 'UPDATE' then old.status end,
        new.status,
        nullif(current_setting('app.status_reason', true), ''),
        app_private.current_profile_id()
    );
    return null;
end
$$;

revoke all on function app_private.record_event_status() from public;

comment on function app_private.record_event_status() is
    'Row trigger: writes event_status_history. The transaction''s setting app.status_reason says why.';

create trigger record_status_insert after insert on public.events
    for each row execute function app_private.record_event_status();

create trigger record_status_update after update of status on public.events
    for each row when (old.status is distinct from new.status)
    execute function app_private.record_event_status();
