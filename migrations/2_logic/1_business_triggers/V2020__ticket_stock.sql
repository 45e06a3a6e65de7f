-- Stock follows the rows that use it, whoever writes them: reserved is the sum of active
-- reservations, sold the number of tickets that are not void. Categories are always
-- updated one by one in the order of their ids, so that two orders over the same
-- categories queue up and never wait for each other.

-- The busiest rows of all: room on their pages lets an update stay there, and leave the
-- indexes alone.
alter table public.ticket_categories set (fillfactor = 50);

create function app_private.move_stock(category_ids uuid[], sold_by bigint[], reserved_by bigint[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    moved record;
    stock record;
begin
    for moved in
        select m.category_id,
            coalesce(m.sold_by, 0) as sold_by,
            coalesce(m.reserved_by, 0) as reserved_by
        from unnest(category_ids, sold_by, reserved_by) as m (category_id, sold_by, reserved_by)
        order by m.category_id
    loop
        -- The guard is part of the statement that moves the stock: a second buyer waits
        -- for the row, and then meets the numbers that the first one left.
        update public.ticket_categories c
        set sold = c.sold + moved.sold_by,
            reserved = c.reserved + moved.reserved_by
        where c.id = moved.category_id
            and (
                moved.sold_by + moved.reserved_by <= 0
                or c.sold + c.reserved + moved.sold_by + moved.reserved_by <= c.capacity
            );
        if not found then
            select c.name, c.capacity - c.sold - c.reserved as available into stock
            from public.ticket_categories c
            where c.id = moved.category_id;
            -- A category that is being deleted with its tenant needs no book-keeping.
            continue when not found;
            perform app_private.fail(
                409, 'sold_out',
                format('not enough tickets left in %s', stock.name),
                'Ask for fewer tickets, take another category, or join the waiting list.',
                jsonb_build_object(
                    'category_id', moved.category_id,
                    'requested', moved.sold_by + moved.reserved_by,
                    'available', stock.available
                )
            );
        end if;
    end loop;
end
$$;

revoke all on function app_private.move_stock(uuid[], bigint[], bigint[]) from public;

comment on function app_private.move_stock(uuid[], bigint[], bigint[]) is
    'Adds to sold and reserved of categories, in id order; fails with reason sold_out where the capacity does not allow it. A null array adds nothing.';

create function app_private.reservations_inserted()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    ids uuid[];
    amounts bigint[];
begin
    select array_agg(d.category_id), array_agg(d.amount) into ids, amounts
    from (
        select n.category_id, sum(n.quantity) as amount
        from new_rows n
        where n.status = 'active'
        group by n.category_id
    ) d;
    perform app_private.move_stock(ids, null, amounts);
    return null;
end
$$;

create function app_private.reservations_updated()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    ids uuid[];
    amounts bigint[];
begin
    select array_agg(d.category_id), array_agg(d.amount) into ids, amounts
    from (
        select c.category_id, sum(c.amount) as amount
        from (
            select n.category_id, n.quantity as amount from new_rows n where n.status = 'active'
            union all
            select o.category_id, -o.quantity from old_rows o where o.status = 'active'
        ) c
        group by c.category_id
        having sum(c.amount) <> 0
    ) d;
    perform app_private.move_stock(ids, null, amounts);
    return null;
end
$$;

create function app_private.reservations_deleted()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    ids uuid[];
    amounts bigint[];
begin
    select array_agg(d.category_id), array_agg(d.amount) into ids, amounts
    from (
        select o.category_id, -sum(o.quantity) as amount
        from old_rows o
        where o.status = 'active'
        group by o.category_id
    ) d;
    perform app_private.move_stock(ids, null, amounts);
    return null;
end
$$;

create function app_private.tickets_inserted()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    ids uuid[];
    amounts bigint[];
begin
    select array_agg(d.category_id), array_agg(d.amount) into ids, amounts
    from (
        select n.category_id, count(*) as amount
        from new_rows n
        where n.status <> 'void'
        group by n.category_id
    ) d;
    perform app_private.move_stock(ids, amounts, null);
    return null;
end
$$;

create function app_private.tickets_updated()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    ids uuid[];
    amounts bigint[];
begin
    select array_agg(d.category_id), array_agg(d.amount) into ids, amounts
    from (
        select c.category_id, sum(c.amount) as amount
        from (
            select n.category_id, 1 as amount from new_rows n where n.status <> 'void'
            union all
            select o.category_id, -1 from old_rows o where o.status <> 'void'
        ) c
        group by c.category_id
        having sum(c.amount) <> 0
    ) d;
    perform app_private.move_stock(ids, amounts, null);
    return null;
end
$$;

create function app_private.tickets_deleted()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    ids uuid[];
    amounts bigint[];
begin
    select array_agg(d.category_id), array_agg(d.amount) into ids, amounts
    from (
        select o.category_id, -count(*) as amount
        from old_rows o
        where o.status <> 'void'
        group by o.category_id
    ) d;
    perform app_private.move_stock(ids, amounts, null);
    return null;
end
$$;

revoke all on function app_private.reservations_inserted() from public;
revoke all on function app_private.reservations_updated() from public;
revoke all on function app_private.reservations_deleted() from public;
revoke all on function app_private.tickets_inserted() from public;
revoke all on function app_private.tickets_updated() from public;
revoke all on function app_private.tickets_deleted() from public;

comment on function app_private.reservations_inserted() is
    'Statement trigger: active reservations take from the stock.';
comment on function app_private.reservations_updated() is
    'Statement trigger: moves the stock by what a reservation gained or lost.';
comment on function app_private.reservations_deleted() is
    'Statement trigger: deleted active reservations give back.';
comment on function app_private.tickets_inserted() is
    'Statement trigger: issued tickets are sold.';
comment on function app_private.tickets_updated() is
    'Statement trigger: voided tickets are no longer sold.';
comment on function app_private.tickets_deleted() is
    'Statement trigger: deleted tickets are no longer sold.';

create trigger move_stock_insert after insert on public.ticket_reservations
    referencing new table as new_rows
    for each statement execute function app_private.reservations_inserted();

create trigger move_stock_update after update on public.ticket_reservations
    referencing old table as old_rows new table as new_rows
    for each statement execute function app_private.reservations_updated();

create trigger move_stock_delete after delete on public.ticket_reservations
    referencing old table as old_rows
    for each statement execute function app_private.reservations_deleted();

create trigger move_stock_insert after insert on public.tickets
    referencing new table as new_rows
    for each statement execute function app_private.tickets_inserted();

create trigger move_stock_update after update on public.tickets
    referencing old table as old_rows new table as new_rows
    for each statement execute function app_private.tickets_updated();

create trigger move_stock_delete after delete on public.tickets
    referencing old table as old_rows
    for each statement execute function app_private.tickets_deleted();

-- A ticket stays the unit of the order it was issued for.
create function app_private.keep_ticket_identity()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if (new.organization_id, new.event_id, new.order_id, new.order_item_id, new.category_id, new.ordinal)
        is distinct from
        (old.organization_id, old.event_id, old.order_id, old.order_item_id, old.category_id, old.ordinal)
    then
        raise exception 'a ticket cannot move to another order, event or category'
            using errcode = 'PT409',
                detail = '{"reason": "ticket_fixed"}',
                hint = 'Void the ticket and sell another one.';
    end if;
    if new.status = 'void' then
        new.voided_at := coalesce(new.voided_at, now());
    else
        new.voided_at := null;
    end if;
    return new;
end
$$;

revoke all on function app_private.keep_ticket_identity() from public;

comment on function app_private.keep_ticket_identity() is
    'Row trigger: a ticket keeps its order, item and category; voided_at follows the status.';

create trigger keep_identity before update on public.tickets
    for each row execute function app_private.keep_ticket_identity();
