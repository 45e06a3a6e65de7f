-- The purchase. Written for speed: one pass over the categories, every row written once
-- with its final values, and the stock, which other buyers wait for, moved last.

-- Guests buy too: the wrapper in schema public runs as the caller and must get in here.
grant usage on schema app_private to anon;

-- PL/pgSQL, though one query: its plan is kept for the session, where a function in
-- SQL that cannot be inlined is parsed and planned at each call before PostgreSQL 18.
create function app_private.order_json(_order_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
    return (
        select jsonb_build_object(
            'id', o.id,
            'order_status', o.order_status,
            'event_id', o.event_id,
            'quantity', o.quantity,
            'currency', o.currency,
            'subtotal_cents', o.subtotal_cents,
            'discount_cents', o.discount_cents,
            'tax_cents', o.tax_cents,
            'total_cents', o.total_cents,
            'customer_email', o.customer_email,
            'payment_id', coalesce(o.payment_id, (
                select p.id
                from public.payments p
                where p.order_id = o.id and p.organization_id = o.organization_id
                order by (p.status <> 'pending'), p.created_at, p.id
                limit 1
            )),
            'expires_at', case when o.order_status = 'pending' then (
                select min(r.expires_at)
                from public.ticket_reservations r
                where r.order_id = o.id
                    and r.organization_id = o.organization_id
                    and r.status = 'active'
            ) end,
            'items', (
                select jsonb_agg(jsonb_build_object(
                    'id', i.id,
                    'category_id', i.category_id,
                    'quantity', i.quantity,
                    'unit_price_cents', i.unit_price_cents,
                    'total_cents', i.total_cents
                ) order by i.category_id)
                from public.order_items i
                where i.order_id = o.id and i.organization_id = o.organization_id
            ),
            'tickets', case when o.order_status = 'pending' then '[]'::jsonb else coalesce((
                select jsonb_agg(jsonb_build_object(
                    'id', t.id,
                    'category_id', t.category_id,
                    'code', t.code,
                    'status', t.status
                ) order by t.category_id, t.order_item_id, t.ordinal)
                from public.tickets t
                where t.order_id = o.id and t.organization_id = o.organization_id
            ), '[]') end
        )
        from public.orders o
        where o.id = _order_id
    );
end
$$;

revoke all on function app_private.order_json(uuid) from public;

comment on function app_private.order_json(uuid) is
    'An order as its buyer gets it, with items, tickets and the payment to make. Checks nothing: callers have.';

create function app_private.purchase_tickets(
    _items jsonb,
    _customer_email text,
    _customer_name text,
    _promo_code text,
    _idempotency_key text,
    _provider text,
    _hold interval default interval '15 minutes'
)
returns jsonb
language plpgsql
security definer
set search_path = ''
-- Holds for the triggers below as well: statements over arrays would else be planned
-- anew each time, which costs more than running them.
set plan_cache_mode = 'force_generic_plan'
-- A plan that was made while a table was small is kept until the table is analyzed: it
-- must not be one that reads the whole table.
set enable_seqscan = off
as $$
declare
    buyer uuid;
    email text := nullif(btrim(_customer_email), '');
    key text := nullif(btrim(_idempotency_key), '');
    line record;
    event record;
    promo_id uuid;
    promo_kind text;
    promo_value bigint;
    existing_id uuid;
    org uuid;
    on_event uuid;
    money text;
    category_ids uuid[] := array[]::uuid[];
    quantities integer[] := array[]::integer[];
    prices bigint[] := array[]::bigint[];
    units integer := 0;
    subtotal bigint := 0;
    discount bigint := 0;
    tax bigint;
    total bigint;
    new_order uuid;
    new_payment uuid;
    item_list jsonb;
begin
    if app_private.is_api_caller() then
        buyer := app_private.ensure_profile();
        if email is null and buyer is not null then
            email := app_private.current_email();
        end if;
    end if;
    if email is null
        or char_length(email) > 320
        or email !~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
    then
        perform app_private.fail(
            422, 'invalid_email', 'an e-mail address is needed',
            'Send customer_email; the tickets go there.'
        );
    end if;
    if jsonb_typeof(_items) is distinct from 'array'
        or jsonb_array_length(_items) not between 1 and 50
    then
        perform app_private.fail(
            422, 'invalid_items', 'items is a list of 1 to 50 objects',
            'Send items as [{"category_id": "...", "quantity": 2}].'
        );
    end if;

    -- In the order of ids, as stock is moved.
    for line in
        select w.category_id, w.quantity, c.organization_id, c.event_id, c.name, c.currency,
            c.status, c.sales_start, c.sales_end, c.max_per_order,
            c.capacity::bigint - c.sold - c.reserved as available,
            case
                when exists (
                    select from public.pricing_rules r
                    where r.category_id = c.id and r.organization_id = c.organization_id
                        and r.is_active
                ) then app_private.unit_price(c.id, w.quantity)
                else c.price_cents
            end as price_cents
        from (
            select coalesce(x.category_id, x.ticket_category_id) as category_id,
                case when bool_and(x.quantity between 1 and 1000)
                    then sum(x.quantity)::integer end as quantity
            from jsonb_to_recordset(_items)
                as x (category_id uuid, ticket_category_id uuid, quantity integer)
            group by 1
        ) w
        -- LATERAL and OFFSET: one look-up per category. A join of the two sets could be
        -- planned as a walk through all categories there are.
        left join lateral (
            select t.*
            from public.ticket_categories t
            where t.id = w.category_id
            offset 0
        ) c on true
        order by w.category_id
    loop
        if line.quantity is null then
            perform app_private.fail(
                422, 'invalid_quantity', 'a quantity is a whole number from 1 to 1000',
                null, jsonb_build_object('category_id', line.category_id)
            );
        end if;
        if line.organization_id is null then
            perform app_private.fail(
                404, 'category_not_found', 'there is no such ticket category',
                'Read the event again.', jsonb_build_object('category_id', line.category_id)
            );
        end if;
        if on_event is null then
            on_event := line.event_id;
            org := line.organization_id;
            money := line.currency;

            -- Before anything is judged by today's state: the same request again is
            -- answered as the first time.
            if key is not null then
                select o.id into existing_id
                from public.orders o
                where o.organization_id = org and o.idempotency_key = key;
                exit when found;
            end if;

            select e.status, e.visibility, e.name, app_private.event_tax_bps(e.id) as tax_bps
            into strict event
            from public.events e
            where e.id = on_event;
            if event.visibility = 'private' and app_private.is_api_caller() and not exists (
                select from app_private.member_org_ids() as m (id) where m.id = org
            ) then
                perform app_private.fail(
                    404, 'category_not_found', 'there is no such ticket category',
                    'Read the event again.', jsonb_build_object('category_id', line.category_id)
                );
            end if;
            if event.status not in ('confirmed', 'live') then
                perform app_private.fail(
                    409, 'event_not_on_sale', format('the event is %s', event.status),
                    'Tickets are sold while the event is confirmed or live.',
                    jsonb_build_object('event_id', on_event, 'status', event.status)
                );
            end if;
        elsif line.event_id <> on_event then
            perform app_private.fail(
                422, 'other_event', 'the ticket categories belong to several events',
                'Make one order per event.', jsonb_build_object('category_id', line.category_id)
            );
        elsif line.currency <> money then
            perform app_private.fail(
                422, 'other_currency', 'the ticket categories are sold in several currencies',
                'Make one order per currency.', jsonb_build_object('category_id', line.category_id)
            );
        end if;

        if line.status <> 'on_sale' or now() < line.sales_start or now() >= line.sales_end then
            perform app_private.fail(
                409, 'not_on_sale', format('%s is not on sale', line.name),
                'Look at sales_start, sales_end and status of the category.',
                jsonb_build_object('category_id', line.category_id, 'status', line.status,
                    'sales_start', line.sales_start, 'sales_end', line.sales_end)
            );
        end if;
        if line.quantity > line.max_per_order then
            perform app_private.fail(
                422, 'too_many', format('at most %s of %s per order', line.max_per_order, line.name),
                null, jsonb_build_object('category_id', line.category_id,
                    'max_per_order', line.max_per_order)
            );
        end if;
        -- An answer without a lock for the many who come too late. Those who pass meet
        -- the guarded update at the end, which alone decides.
        if line.quantity > line.available then
            perform app_private.fail(
                409, 'sold_out', format('not enough tickets left in %s', line.name),
                'Ask for fewer tickets, take another category, or join the waiting list.',
                jsonb_build_object('category_id', line.category_id,
                    'requested', line.quantity, 'available', line.available)
            );
        end if;

        category_ids := category_ids || line.category_id;
        quantities := quantities || line.quantity;
        prices := prices || line.price_cents;
        units := units + line.quantity;
        subtotal := subtotal + line.quantity * line.price_cents;
    end loop;

    if existing_id is null then
        if nullif(btrim(_promo_code), '') is not null then
            select p.id, p.kind, p.value into promo_id, promo_kind, promo_value
            from public.promo_codes p
            where p.organization_id = org
                and p.code operator(extensions.=) btrim(_promo_code)::extensions.citext
                and p.is_active
                and (p.event_id is null or p.event_id = on_event)
                and (p.valid_from is null or p.valid_from <= now())
                and (p.valid_until is null or p.valid_until > now())
                and (p.currency is null or p.currency = money);
            if not found then
                perform app_private.fail(
                    422, 'invalid_promo_code', 'the promo code is not valid for this order',
                    'Order without the code, or with another one.'
                );
            end if;
            discount := least(subtotal, case promo_kind
                when 'percent' then round(subtotal * promo_value / 10000.0)::bigint
                else promo_value
            end);
        end if;
        tax := round((subtotal - discount) * event.tax_bps / 10000.0)::bigint;
        total := subtotal - discount + tax;

        -- One statement for all four: every start of a statement has its price. The
        -- reservation comes last, and its trigger moves the stock.
        with made_order as (
            insert into public.orders (
                organization_id, event_id, user_id, customer_email, customer_name, quantity,
                subtotal_cents, discount_cents, tax_cents, total_cents, currency, idempotency_key
            )
            values (
                org, on_event, buyer, email::extensions.citext,
                nullif(btrim(_customer_name), ''), units,
                subtotal, discount, tax, total, money, key
            )
            on conflict (organization_id, idempotency_key) do nothing
            returning id
        ), made_items as (
            insert into public.order_items (
                organization_id, order_id, category_id, quantity, unit_price_cents
            )
            select org, o.id, l.category_id, l.quantity, l.price
            from made_order o
            cross join unnest(category_ids, quantities, prices)
                as l (category_id, quantity, price)
            returning id, category_id, quantity, unit_price_cents, total_cents
        ), made_payment as (
            insert into public.payments (
                organization_id, order_id, provider, amount_cents, currency
            )
            select org, o.id, _provider, total, money
            from made_order o
            where total > 0
            returning id
        ), made_reservations as (
            insert into public.ticket_reservations (
                organization_id, category_id, order_id, user_id, customer_email, quantity,
                expires_at
            )
            select org, l.category_id, o.id, buyer, email::extensions.citext, l.quantity,
                now() + _hold
            from made_order o
            cross join unnest(category_ids, quantities) as l (category_id, quantity)
            where total > 0
        )
        select
            (select o.id from made_order o),
            (select p.id from made_payment p),
            (
                select jsonb_agg(jsonb_build_object(
                    'id', i.id,
                    'category_id', i.category_id,
                    'quantity', i.quantity,
                    'unit_price_cents', i.unit_price_cents,
                    'total_cents', i.total_cents
                ) order by i.category_id)
                from made_items i
            )
        into new_order, new_payment, item_list;
        if new_order is null then
            -- The same request, sent twice at once: the other one was faster.
            select o.id into strict existing_id
            from public.orders o
            where o.organization_id = org and o.idempotency_key = key;
        end if;
    end if;

    if existing_id is not null then
        if not exists (
                select from public.orders o
                where o.id = existing_id
                    and o.event_id = on_event
                    and o.user_id is not distinct from buyer
                    and o.customer_email operator(extensions.=) email::extensions.citext
            )
            or exists (
                (
                    select i.category_id, i.quantity::bigint
                    from public.order_items i
                    where i.order_id = existing_id
                    except
                    select coalesce(x.category_id, x.ticket_category_id), sum(x.quantity)
                    from jsonb_to_recordset(_items)
                        as x (category_id uuid, ticket_category_id uuid, quantity integer)
                    group by 1
                )
                union all
                (
                    select coalesce(x.category_id, x.ticket_category_id), sum(x.quantity)
                    from jsonb_to_recordset(_items)
                        as x (category_id uuid, ticket_category_id uuid, quantity integer)
                    group by 1
                    except
                    select i.category_id, i.quantity
                    from public.order_items i
                    where i.order_id = existing_id
                )
            )
        then
            perform app_private.fail(
                409, 'idempotency_key_reused', 'the idempotency key belongs to another order',
                'Use a new key for each purchase.'
            );
        end if;
        return app_private.order_json(existing_id) || '{"replayed": true}';
    end if;

    if total = 0 then
        -- Nothing to pay, nothing to wait for.
        update public.orders o set order_status = 'confirmed' where o.id = new_order;
    end if;

    if promo_id is not null then
        insert into public.promo_code_redemptions (
            organization_id, promo_code_id, order_id, discount_cents
        )
        values (org, promo_id, new_order, discount);
    end if;

    if total = 0 then
        return app_private.order_json(new_order) || '{"replayed": false}';
    end if;
    -- Put together from what was written: to read it back would cost a tenth of it all.
    return jsonb_build_object(
        'id', new_order,
        'order_status', 'pending',
        'event_id', on_event,
        'quantity', units,
        'currency', money,
        'subtotal_cents', subtotal,
        'discount_cents', discount,
        'tax_cents', tax,
        'total_cents', total,
        'customer_email', email,
        'payment_id', new_payment,
        'expires_at', now() + _hold,
        'items', item_list,
        'tickets', jsonb_build_array(),
        'replayed', false
    );
end
$$;

revoke all on function app_private.purchase_tickets(
    jsonb, text, text, text, text, text, interval
) from public;
grant execute on function app_private.purchase_tickets(
    jsonb, text, text, text, text, text, interval
) to anon, authenticated, service_role;

comment on function app_private.purchase_tickets(
    jsonb, text, text, text, text, text, interval
) is
    'Makes an order for one event and holds its tickets; free orders are confirmed at once. See public.purchase_tickets.';

create function public.purchase_tickets(
    ticket_category_id uuid default null,
    quantity integer default 1,
    customer_email text default null,
    customer_name text default null,
    items jsonb default null,
    promo_code text default null,
    idempotency_key text default null,
    provider text default 'stripe'
)
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    return app_private.purchase_tickets(
        coalesce(items, jsonb_build_array(
            jsonb_build_object('category_id', ticket_category_id, 'quantity', quantity)
        )),
        customer_email, customer_name, promo_code, idempotency_key, provider
    );
end
$$;

revoke all on function public.purchase_tickets(
    uuid, integer, text, text, jsonb, text, text, text
) from public, anon, authenticated, service_role;
grant execute on function public.purchase_tickets(
    uuid, integer, text, text, jsonb, text, text, text
) to anon, authenticated, service_role;

comment on function public.purchase_tickets(
    uuid, integer, text, text, jsonb, text, text, text
) is
    'POST /api/tickets/purchase: buys quantity tickets of one category, or what items lists; returns the order with the payment to make. The same idempotency_key again returns the same order.';
