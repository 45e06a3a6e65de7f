-- Orders: totals come from items, are fixed with the confirmation, and a status brings
-- about what it means: tickets, or stock given back.
--
-- Locks are always taken in this order, by every path: webhook event, refund, payment,
-- order, reservations, tickets, categories by id, promo code, waiting list.

create function app_private.event_tax_bps(_event_id uuid)
returns integer
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    -- The narrowest rate wins: region before country before everywhere. A rate that
    -- is contained in the price adds nothing to the total.
    return coalesce((
        select case when t.is_inclusive then 0 else t.rate_bps end
        from public.events e
        left join public.venues v on v.id = e.venue_id
        join public.tax_rates t on t.organization_id = e.organization_id
            and t.is_active
            and (t.country_code is null or t.country_code = v.country_code)
            and (t.region is null or t.region = v.region)
        where e.id = _event_id
        order by (t.region is null), (t.country_code is null), t.name
        limit 1
    ), 0);
end
$$;

revoke all on function app_private.event_tax_bps(uuid) from public;
grant execute on function app_private.event_tax_bps(uuid) to service_role;

comment on function app_private.event_tax_bps(uuid) is
    'The tax that is added to prices of an event, in hundredths of a percent: the active rate that fits its venue best.';

-- Orders of API clients begin empty and pending. The server may import any.
create function app_private.begin_order()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if new.order_status <> 'pending' then
        raise exception 'an order begins as pending'
            using errcode = 'PT409',
                detail = '{"reason": "order_not_pending"}',
                hint = 'Insert the order and its items, then set order_status to confirmed.';
    end if;
    new.quantity := 0;
    new.subtotal_cents := 0;
    new.discount_cents := 0;
    new.tax_cents := 0;
    new.total_cents := 0;
    new.payment_id := null;
    new.confirmed_at := null;
    new.cancelled_at := null;
    return new;
end
$$;

revoke all on function app_private.begin_order() from public;

comment on function app_private.begin_order() is
    'Row trigger for API roles: a new order is pending, and its totals come from its items.';

create trigger begin_order before insert on public.orders
    for each row when (current_user in ('anon', 'authenticated'))
    execute function app_private.begin_order();

-- Imported orders were confirmed at some time, too.
create function app_private.stamp_order()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    new.confirmed_at := new.created_at;
    return new;
end
$$;

revoke all on function app_private.stamp_order() from public;

comment on function app_private.stamp_order() is
    'Row trigger: an order that is imported as confirmed has been confirmed when it was made, unless it says when.';

create trigger stamp_order before insert on public.orders
    for each row when (
        new.confirmed_at is null
        and new.order_status in ('confirmed', 'partially_refunded', 'refunded')
    )
    execute function app_private.stamp_order();

-- SECURITY DEFINER: it compares with all items, not only with those the caller sees.
create function app_private.keep_order()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    from_items record;
begin
    if (new.organization_id, new.event_id, new.currency)
        is distinct from (old.organization_id, old.event_id, old.currency)
        and (old.order_status <> 'pending' or old.quantity > 0)
    then
        perform app_private.fail(
            409, 'order_fixed', 'an order with items keeps its event and currency',
            'Cancel the order and make another one.', jsonb_build_object('order_id', old.id)
        );
    end if;

    -- Below a trigger it is the items that changed.
    if pg_trigger_depth() = 1 then
        if (new.quantity, new.subtotal_cents) is distinct from (old.quantity, old.subtotal_cents) then
            perform app_private.fail(
                409, 'totals_follow_items', 'quantity and subtotal come from the order''s items',
                'Change the items of the order.', jsonb_build_object('order_id', old.id)
            );
        end if;
        if (new.discount_cents, new.tax_cents, new.total_cents)
            is distinct from (old.discount_cents, old.tax_cents, old.total_cents)
        then
            if old.order_status <> 'pending' then
                perform app_private.fail(
                    409, 'prices_frozen', 'a confirmed order keeps its prices',
                    'Refund the order, in whole or in part.', jsonb_build_object('order_id', old.id)
                );
            end if;
            new.discount_cents := least(new.discount_cents, new.subtotal_cents);
            new.total_cents := new.subtotal_cents - new.discount_cents + new.tax_cents;
        end if;
    end if;

    if new.order_status is distinct from old.order_status then
        if new.order_status = 'confirmed' then
            select coalesce(sum(i.quantity), 0) as quantity,
                coalesce(sum(i.total_cents), 0) as subtotal_cents
            into from_items
            from public.order_items i
            where i.order_id = new.id;
            if (from_items.quantity, from_items.subtotal_cents)
                is distinct from (new.quantity::bigint, new.subtotal_cents::numeric)
            then
                perform app_private.fail(
                    409, 'totals_do_not_add_up', 'the order''s totals are not those of its items',
                    'Correct the items of the order.', jsonb_build_object('order_id', old.id)
                );
            end if;
            new.confirmed_at := coalesce(new.confirmed_at, now());
        elsif new.order_status in ('cancelled', 'expired') then
            new.cancelled_at := coalesce(new.cancelled_at, now());
        end if;
    end if;
    return new;
end
$$;

revoke all on function app_private.keep_order() from public;

comment on function app_private.keep_order() is
    'Row trigger: totals follow the items, are fixed on confirmation, and the times of status changes are the server''s.';

create trigger keep_order before update on public.orders
    for each row execute function app_private.keep_order();

-- Items

-- SECURITY DEFINER: it reads the order and the category whether the caller may or not.
-- The order's row is locked, so that no item slips in while the order is confirmed.
create function app_private.check_order_item()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    parent record;
    category record;
begin
    select o.order_status, o.event_id, o.currency into parent
    from public.orders o
    where o.id = case tg_op when 'DELETE' then old.order_id else new.order_id end
    for no key update;
    if not found then
        -- The order is being deleted, or is not there: then the foreign key says so.
        return case tg_op when 'DELETE' then old else new end;
    end if;

    if parent.order_status <> 'pending' and not (tg_op = 'INSERT' and tg_argv[0] = 'server') then
        perform app_private.fail(
            409, 'prices_frozen', 'only a pending order''s items can change',
            'Refund the order, or make another one.'
        );
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    if tg_op = 'UPDATE' then
        if (new.order_id, new.organization_id) is distinct from (old.order_id, old.organization_id) then
            perform app_private.fail(
                409, 'order_fixed', 'an item stays with its order', 'Delete it and insert another one.'
            );
        end if;
        if new.category_id = old.category_id then
            return new;
        end if;
    end if;

    select c.event_id, c.currency into category
    from public.ticket_categories c
    where c.id = new.category_id and c.organization_id = new.organization_id;
    if found and category.event_id <> parent.event_id then
        perform app_private.fail(
            422, 'other_event', 'the ticket category belongs to another event',
            'Make one order per event.', jsonb_build_object('category_id', new.category_id)
        );
    end if;
    if found and category.currency <> parent.currency then
        perform app_private.fail(
            422, 'other_currency', 'the ticket category is sold in another currency',
            'Make one order per currency.', jsonb_build_object('category_id', new.category_id)
        );
    end if;
    return new;
end
$$;

revoke all on function app_private.check_order_item() from public;

comment on function app_private.check_order_item() is
    'Row trigger: items belong to the order''s event and currency and change only while it is pending. Argument server: imports may add items to any order.';

create trigger check_order_item before insert or update or delete on public.order_items
    for each row when (current_user in ('anon', 'authenticated'))
    execute function app_private.check_order_item('api');

create trigger check_order_item_server before insert or update or delete on public.order_items
    for each row when (current_user not in ('anon', 'authenticated'))
    execute function app_private.check_order_item('server');

create function app_private.issue_tickets(_order_id uuid)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    issued integer;
begin
    insert into public.tickets (
        organization_id, event_id, order_id, order_item_id, category_id, ordinal
    )
    select i.organization_id, o.event_id, i.order_id, i.id, i.category_id, n.ordinal
    from public.orders o
    join public.order_items i on i.order_id = o.id and i.organization_id = o.organization_id
    cross join lateral generate_series(1, i.quantity) as n (ordinal)
    where o.id = _order_id
    on conflict (order_item_id, organization_id, ordinal) do nothing;
    get diagnostics issued = row_count;
    return issued;
end
$$;

revoke all on function app_private.issue_tickets(uuid) from public;

comment on function app_private.issue_tickets(uuid) is
    'Issues what is missing of an order''s tickets, one per unit; returns how many. Calling it again does nothing.';

-- The same for many orders. What has its ticket is left out beforehand: an import that
-- brings its tickets along has them all.
create function app_private.issue_tickets(_order_ids uuid[])
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    issued integer;
begin
    insert into public.tickets (
        organization_id, event_id, order_id, order_item_id, category_id, ordinal
    )
    select i.organization_id, o.event_id, i.order_id, i.id, i.category_id, n.ordinal
    from public.orders o
    join public.order_items i on i.order_id = o.id and i.organization_id = o.organization_id
    cross join lateral generate_series(1, i.quantity) as n (ordinal)
    where o.id = any (_order_ids)
        and not exists (
            select from public.tickets t
            where t.order_item_id = i.id
                and t.organization_id = i.organization_id
                and t.ordinal = n.ordinal
        )
    order by i.id, n.ordinal
    on conflict (order_item_id, organization_id, ordinal) do nothing;
    get diagnostics issued = row_count;
    return issued;
end
$$;

revoke all on function app_private.issue_tickets(uuid[]) from public;

comment on function app_private.issue_tickets(uuid[]) is
    'Issues what is missing of the tickets of several orders; returns how many.';

-- Statement trigger, for all three operations: which orders are touched is all that
-- differs. Rows of an order that is right already are not written.
create function app_private.total_orders(order_ids uuid[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
    wrong record;
begin
    for wrong in
        select o.id, s.quantity, s.subtotal_cents,
            least(o.discount_cents, s.subtotal_cents) as discount_cents,
            app_private.event_tax_bps(o.event_id) as tax_bps
        from public.orders o
        cross join lateral (
            select coalesce(sum(i.quantity), 0)::integer as quantity,
                coalesce(sum(i.total_cents), 0)::bigint as subtotal_cents
            from public.order_items i
            where i.order_id = o.id
        ) s
        where o.id = any (order_ids)
            and (o.quantity, o.subtotal_cents) is distinct from (s.quantity, s.subtotal_cents)
        order by o.id
    loop
        update public.orders o
        set quantity = wrong.quantity,
            subtotal_cents = wrong.subtotal_cents,
            discount_cents = wrong.discount_cents,
            tax_cents = round((wrong.subtotal_cents - wrong.discount_cents) * wrong.tax_bps / 10000.0),
            total_cents = wrong.subtotal_cents - wrong.discount_cents
                + round((wrong.subtotal_cents - wrong.discount_cents) * wrong.tax_bps / 10000.0)
        where o.id = wrong.id;
    end loop;
end
$$;

revoke all on function app_private.total_orders(uuid[]) from public;

comment on function app_private.total_orders(uuid[]) is
    'Brings the totals of orders in line with their items.';

create function app_private.items_inserted()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    wrong uuid[];
    confirmed uuid[];
begin
    -- One look tells the usual case, an order made with its final totals, from the rest.
    select
        array_agg(o.id) filter (
            where (o.quantity, o.subtotal_cents) is distinct from (s.quantity, s.subtotal_cents)
        ),
        array_agg(o.id) filter (where o.order_status = 'confirmed')
    into wrong, confirmed
    from (select distinct n.order_id from new_rows n) t
    join public.orders o on o.id = t.order_id
    cross join lateral (
        select sum(i.quantity)::integer as quantity, sum(i.total_cents)::bigint as subtotal_cents
        from public.order_items i
        where i.order_id = o.id
    ) s;
    if wrong is not null then
        perform app_private.total_orders(wrong);
    end if;
    -- Items that were imported into a confirmed order have their tickets at once.
    if confirmed is not null then
        perform app_private.issue_tickets(confirmed);
    end if;
    return null;
end
$$;

create function app_private.items_updated()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform app_private.total_orders(array(select distinct n.order_id from new_rows n));
    return null;
end
$$;

create function app_private.items_deleted()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    perform app_private.total_orders(array(select distinct o.order_id from old_rows o));
    return null;
end
$$;

revoke all on function app_private.items_inserted() from public;
revoke all on function app_private.items_updated() from public;
revoke all on function app_private.items_deleted() from public;

comment on function app_private.items_inserted() is
    'Statement trigger: order totals, and tickets where the order is confirmed already.';
comment on function app_private.items_updated() is
    'Statement trigger: order totals.';
comment on function app_private.items_deleted() is
    'Statement trigger: order totals.';

create trigger total_orders_insert after insert on public.order_items
    referencing new table as new_rows
    for each statement execute function app_private.items_inserted();

create trigger total_orders_update after update on public.order_items
    referencing new table as new_rows
    for each statement execute function app_private.items_updated();

create trigger total_orders_delete after delete on public.order_items
    referencing old table as old_rows
    for each statement execute function app_private.items_deleted();

-- Promo codes: used is the number of redemptions, and never exceeds max_uses.

create function app_private.count_redemption()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'DELETE' then
        update public.promo_codes p
        set used = p.used - 1
        where p.id = old.promo_code_id and p.used > 0;
        return null;
    end if;
    update public.promo_codes p
    set used = p.used + 1
    where p.id = new.promo_code_id and (p.max_uses is null or p.used < p.max_uses);
    if not found then
        perform app_private.fail(
            409, 'promo_code_used_up', 'the promo code has been used as often as it may be',
            'Order without the code, or with another one.'
        );
    end if;
    return null;
end
$$;

revoke all on function app_private.count_redemption() from public;

comment on function app_private.count_redemption() is
    'Row trigger: counts uses of a promo code in a guarded update.';

create trigger count_redemption after insert or delete on public.promo_code_redemptions
    for each row execute function app_private.count_redemption();

-- What a new status of an order brings about

create function app_private.order_status_changed()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if new.order_status = 'confirmed' then
        -- First give back what was held, then sell it: the sum never exceeds the capacity,
        -- and the category's row is ours between the two.
        update public.ticket_reservations r
        set status = 'converted'
        where r.order_id = new.id and r.status = 'active';
        perform app_private.issue_tickets(new.id);
        update public.waitlist_entries w
        set status = 'converted'
        where w.status in ('waiting', 'notified')
            and w.email operator(extensions.=) new.customer_email
            and w.category_id in (
                select i.category_id from public.order_items i where i.order_id = new.id
            );
    elsif new.order_status in ('cancelled', 'expired', 'refunded') then
        update public.ticket_reservations r
        set status = case new.order_status when 'expired' then 'expired' else 'released' end
        where r.order_id = new.id and r.status = 'active';
        update public.tickets t
        set status = 'void'
        where t.order_id = new.id and t.status <> 'void';
        if new.order_status <> 'refunded' then
            delete from public.promo_code_redemptions d where d.order_id = new.id;
        end if;
    end if;
    return null;
end
$$;

revoke all on function app_private.order_status_changed() from public;

comment on function app_private.order_status_changed() is
    'Row trigger: confirmation issues one ticket per unit; cancellation, expiry and full refund void them and give the stock back.';

create trigger order_status_changed after update of order_status on public.orders
    for each row when (old.order_status is distinct from new.order_status)
    execute function app_private.order_status_changed();
