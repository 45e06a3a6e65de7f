-- What can be done with an order after the purchase.

create function app_private.cancel_order(_order_id uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
    bought record;
begin
    select o.id, o.organization_id, o.order_status, o.user_id, o.customer_email into bought
    from public.orders o
    where o.id = _order_id;
    if not found or (
        app_private.is_api_caller()
        and bought.user_id is distinct from (select auth.uid())
        and bought.customer_email operator(extensions.<>) coalesce(app_private.current_email(), '')
        and not exists (
            select from app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance'])
                as m (id)
            where m.id = bought.organization_id
        )
    ) then
        perform app_private.fail(
            404, 'order_not_found', 'there is no such order of the caller', 'Check the id.',
            jsonb_build_object('order_id', _order_id)
        );
    end if;

    -- Payments before the order, as everywhere.
    perform from public.payments p
    where p.order_id = _order_id
    order by p.id
    for no key update;
    select o.order_status into bought
    from public.orders o
    where o.id = _order_id
    for no key update;

    if bought.order_status = 'pending' then
        update public.payments p
        set status = 'cancelled'
        where p.order_id = _order_id and p.status in ('pending', 'authorized', 'failed');
        update public.orders o set order_status = 'cancelled' where o.id = _order_id;
    elsif bought.order_status <> 'cancelled' then
        perform app_private.fail(
            409, 'order_not_pending', format('the order is %s', bought.order_status),
            'Ask for a refund.',
            jsonb_build_object('order_id', _order_id, 'order_status', bought.order_status)
        );
    end if;
    return app_private.order_json(_order_id);
end
$$;

revoke all on function app_private.cancel_order(uuid) from public;
grant execute on function app_private.cancel_order(uuid) to authenticated, service_role;

comment on function app_private.cancel_order(uuid) is
    'See public.cancel_order.';

create function public.cancel_order(order_id uuid)
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    return app_private.cancel_order(order_id);
end
$$;

revoke all on function public.cancel_order(uuid) from public, anon, authenticated, service_role;
grant execute on function public.cancel_order(uuid) to authenticated, service_role;

comment on function public.cancel_order(uuid) is
    'Cancels a pending order of the caller or of his organization, and gives its tickets back to the stock. Again: no change.';

-- Orders whose time to pay is over. Locked ones are being paid or cancelled: next time.
create function app_private.expire_orders(_limit integer default 500)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    late record;
    expired integer := 0;
begin
    for late in
        select o.id
        from public.orders o
        where o.order_status = 'pending'
            and o.id in (
                select r.order_id
                from public.ticket_reservations r
                where r.status = 'active' and r.expires_at <= now()
            )
        order by o.id
        limit _limit
        for no key update skip locked
    loop
        update public.orders o set order_status = 'expired' where o.id = late.id;
        expired := expired + 1;
    end loop;

    -- Reservations that belong to no order.
    update public.ticket_reservations r
    set status = 'expired'
    where r.id in (
        select e.id
        from public.ticket_reservations e
        where e.status = 'active' and e.expires_at <= now() and e.order_id is null
        order by e.id
        limit _limit
        for no key update skip locked
    );
    -- Who was told and did not come for a week has lost his place.
    update public.waitlist_entries w
    set status = 'expired'
    where w.id in (
        select e.id
        from public.waitlist_entries e
        where e.status = 'notified' and e.notified_at < now() - interval '7 days'
        order by e.id
        limit _limit
        for no key update skip locked
    );
    return expired;
end
$$;

revoke all on function app_private.expire_orders(integer) from public;
grant execute on function app_private.expire_orders(integer) to service_role;

comment on function app_private.expire_orders(integer) is
    'Expires pending orders whose reservations ran out and gives their stock back; returns how many. Meant to be called every minute.';

create function app_private.request_refund(_order_id uuid, _amount_cents bigint, _reason text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
    bought record;
    paid record;
    refund_id uuid;
begin
    select o.id, o.organization_id into bought from public.orders o where o.id = _order_id;
    if found then
        perform app_private.require_member(
            bought.organization_id, array['owner', 'admin', 'finance']
        );
    else
        perform app_private.fail(
            404, 'order_not_found', 'there is no such order', 'Check the id.',
            jsonb_build_object('order_id', _order_id)
        );
    end if;
    select p.id, p.organization_id, p.currency,
        p.amount_cents - coalesce((
            select sum(r.amount_cents)
            from public.refunds r
            where r.payment_id = p.id and r.status in ('pending', 'succeeded')
        ), 0) as left_cents
    into paid
    from public.payments p
    where p.order_id = _order_id and p.status in ('succeeded', 'partially_refunded')
    order by p.paid_at, p.id
    limit 1
    for no key update;
    if not found or paid.left_cents <= 0 then
        perform app_private.fail(
            409, 'nothing_to_refund', 'nothing is left to be refunded', 'Look at the payments.',
            jsonb_build_object('order_id', _order_id)
        );
    end if;
    insert into public.refunds (
        organization_id, payment_id, amount_cents, currency, reason, requested_by
    )
    values (
        paid.organization_id, paid.id, coalesce(_amount_cents, paid.left_cents), paid.currency,
        nullif(btrim(_reason), ''), app_private.current_profile_id()
    )
    returning id into refund_id;
    return jsonb_build_object('id', refund_id, 'payment_id', paid.id, 'status', 'pending');
end
$$;

revoke all on function app_private.request_refund(uuid, bigint, text) from public;
grant execute on function app_private.request_refund(uuid, bigint, text)
    to authenticated, service_role;

comment on function app_private.request_refund(uuid, bigint, text) is
    'See public.request_refund.';

create function public.request_refund(
    order_id uuid,
    amount_cents bigint default null,
    reason text default null
)
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    return app_private.request_refund(order_id, amount_cents, reason);
end
$$;

revoke all on function public.request_refund(uuid, bigint, text)
    from public, anon, authenticated, service_role;
grant execute on function public.request_refund(uuid, bigint, text)
    to authenticated, service_role;

comment on function public.request_refund(uuid, bigint, text) is
    'Finance roles: asks the payment provider, through the outbox, to give back the amount, or all that is left. Tickets are voided when the provider says it is done.';
