-- Ticket categories fit into their event, and rules and codes mean something.

create function app_private.check_category()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    whole record;
    offered bigint;
begin
    if tg_op = 'UPDATE' and (
        (new.event_id <> old.event_id or new.currency <> old.currency)
        and exists (
            select from public.order_items i
            where i.category_id = old.id and i.organization_id = old.organization_id
        )
    ) then
        perform app_private.fail(
            409, 'category_in_use', 'a category with orders keeps its event and currency',
            'Close it and make another one.', jsonb_build_object('category_id', old.id)
        );
    end if;
    -- The lock on the event makes changes of its categories take turns.
    select coalesce(e.capacity, (
            select v.capacity from public.venues v
            where v.id = e.venue_id and v.organization_id = e.organization_id
        )) as capacity,
        e.end_date
    into whole
    from public.events e
    where e.id = new.event_id and e.organization_id = new.organization_id
    for no key update of e;
    if not found then
        return new;
    end if;
    if new.sales_start >= whole.end_date then
        perform app_private.fail(
            422, 'sales_after_event', 'sales would start when the event is over',
            'Correct sales_start.', jsonb_build_object('end_date', whole.end_date)
        );
    end if;
    if whole.capacity is not null and new.status <> 'closed' then
        select coalesce(sum(
            case c.status when 'closed' then c.sold::bigint + c.reserved else c.capacity end
        ), 0)
        into offered
        from public.ticket_categories c
        where c.event_id = new.event_id
            and c.organization_id = new.organization_id
            and c.id <> new.id;
        if offered + new.capacity > whole.capacity then
            perform app_private.fail(
                422, 'over_event_capacity',
                format('%s tickets would be offered, the event admits %s',
                    offered + new.capacity, whole.capacity),
                format('At most %s are left for this category.', greatest(whole.capacity - offered, 0)),
                jsonb_build_object('available', greatest(whole.capacity - offered, 0))
            );
        end if;
    end if;
    return new;
end
$$;

revoke all on function app_private.check_category() from public;

comment on function app_private.check_category() is
    'Row trigger: the categories of an event together offer no more than it admits. Not for sold and reserved, which sales move.';

create trigger check_category
    before insert or update of event_id, capacity, currency, status, sales_start, sales_end
    on public.ticket_categories
    for each row execute function app_private.check_category();

create function app_private.check_pricing_rule()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
    wrong text;
begin
    -- The casts are those of unit_price(): what passes here cannot fail in a sale.
    begin
        if (new.params ->> 'price_cents')::bigint < 0 then
            wrong := 'price_cents is negative';
        elsif (new.params ->> 'percent')::numeric not between -100 and 1000 then
            wrong := 'percent is not between -100 and 1000';
        elsif (new.params ->> 'sold_ratio')::numeric not between 0 and 1 then
            wrong := 'sold_ratio is not between 0 and 1';
        elsif (new.params ->> 'min_quantity')::integer < 1 then
            wrong := 'min_quantity is not positive';
        elsif (new.params ->> 'until')::timestamptz <= (new.params ->> 'from')::timestamptz then
            wrong := 'until is not after from';
        elsif new.params ? 'price_cents' and new.params ? 'percent' then
            wrong := 'price_cents and percent exclude each other';
        end if;
    exception when data_exception then
        wrong := sqlerrm;
    end;
    if wrong is not null then
        perform app_private.fail(
            422, 'invalid_params', 'the params of the pricing rule cannot be used: ' || wrong,
            'Numbers: price_cents or percent, sold_ratio, min_quantity; times: from, until.'
        );
    end if;
    return new;
end
$$;

revoke all on function app_private.check_pricing_rule() from public;

comment on function app_private.check_pricing_rule() is
    'Row trigger: the params of a pricing rule can be used by unit_price().';

create trigger check_params before insert or update of params on public.pricing_rules
    for each row execute function app_private.check_pricing_rule();

create function app_private.check_promo_code()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if new.max_uses < new.used then
        raise exception 'the promo code has been used % times already', new.used
            using errcode = 'PT422',
                detail = '{"reason": "below_used"}',
                hint = 'Deactivate the code instead.';
    end if;
    return new;
end
$$;

revoke all on function app_private.check_promo_code() from public;

comment on function app_private.check_promo_code() is
    'Row trigger: a limit is not set below what is used.';

create trigger check_limit before update of max_uses on public.promo_codes
    for each row execute function app_private.check_promo_code();

-- Every tenant keeps an owner.
create function app_private.keep_an_owner()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    if tg_op = 'UPDATE' and new.role = 'owner' and new.status = 'active'
        and new.organization_id = old.organization_id
    then
        return null;
    end if;
    -- The tenant's row makes two owners who leave at once take turns; where it is gone,
    -- or the account is, its members may go.
    perform from public.organizations o where o.id = old.organization_id for no key update;
    if not found or not exists (select from public.profiles p where p.id = old.user_id) then
        return null;
    end if;
    if not exists (
        select from public.organization_members m
        where m.organization_id = old.organization_id
            and m.role = 'owner'
            and m.status = 'active'
    ) then
        perform app_private.fail(
            409, 'last_owner', 'an organization keeps at least one owner',
            'Make another member owner first.',
            jsonb_build_object('organization_id', old.organization_id)
        );
    end if;
    return null;
end
$$;

revoke all on function app_private.keep_an_owner() from public;

comment on function app_private.keep_an_owner() is
    'Row trigger: the last owner of a tenant neither leaves nor steps down.';

create trigger keep_an_owner after update or delete on public.organization_members
    for each row when (old.role = 'owner' and old.status = 'active')
    execute function app_private.keep_an_owner();
