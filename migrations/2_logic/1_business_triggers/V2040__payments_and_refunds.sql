-- Money decides about orders: what is paid is confirmed, what is given back is refunded.
-- Payments and refunds may be written by finance, by the webhook intake or by an import;
-- the same triggers serve all three.

create function app_private.settle_payment()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    bought record;
    paid bigint;
begin
    select o.id, o.order_status, o.total_cents, o.currency, o.payment_id into bought
    from public.orders o
    where o.id = new.order_id
    for no key update;
    if not found then
        return null;
    end if;

    if bought.order_status = 'pending' then
        select sum(p.amount_cents) into paid
        from public.payments p
        where p.order_id = new.order_id
            and p.status = 'succeeded'
            and p.currency = bought.currency;
        if paid >= bought.total_cents then
            update public.orders o
            set order_status = 'confirmed', payment_id = new.id
            where o.id = new.order_id;
        end if;
    elsif bought.order_status in ('cancelled', 'expired', 'refunded')
        or (bought.payment_id is not null and bought.payment_id <> new.id)
    then
        -- Too late, or twice: the tickets may be somebody else's by now. Finance sees the
        -- refund and the payment provider is told by whoever works off pending refunds.
        insert into public.refunds (
            organization_id, payment_id, amount_cents, currency, reason, status
        )
        select new.organization_id, new.id, new.amount_cents, new.currency,
            format('Paid when the order was %s already.', bought.order_status), 'pending'
        where new.amount_cents > 0
            and not exists (
                select from public.refunds r where r.payment_id = new.id
            );
    elsif bought.payment_id is null then
        update public.orders o set payment_id = new.id where o.id = new.order_id;
    end if;
    return null;
end
$$;

revoke all on function app_private.settle_payment() from public;

comment on function app_private.settle_payment() is
    'Row trigger: a payment that succeeded confirms its order when it is paid in full; one that came too late or twice gets a pending refund.';

create trigger settle_payment_insert after insert on public.payments
    for each row when (new.status = 'succeeded')
    execute function app_private.settle_payment();

create trigger settle_payment_update after update of status on public.payments
    for each row when (new.status = 'succeeded' and old.status is distinct from new.status)
    execute function app_private.settle_payment();

create function app_private.keep_payment()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if tg_op = 'UPDATE'
        and old.status in ('succeeded', 'partially_refunded', 'refunded')
        and (new.organization_id, new.order_id, new.amount_cents, new.currency)
            is distinct from (old.organization_id, old.order_id, old.amount_cents, old.currency)
    then
        raise exception 'a payment that succeeded keeps its order and amount'
            using errcode = 'PT409',
                detail = '{"reason": "payment_fixed"}',
                hint = 'Refund the payment.';
    end if;
    if new.status = 'succeeded' then
        new.paid_at := coalesce(new.paid_at, now());
        new.failure_code := null;
    end if;
    return new;
end
$$;

revoke all on function app_private.keep_payment() from public;

comment on function app_private.keep_payment() is
    'Row trigger: what was paid stays as it is; paid_at is set when the payment succeeds.';

create trigger keep_payment before insert or update on public.payments
    for each row execute function app_private.keep_payment();

-- Refunds

create function app_private.check_refund()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    paid record;
    given_back bigint;
begin
    if new.status in ('failed', 'cancelled') then
        return new;
    end if;
    -- The lock makes two refunds of one payment take turns.
    select p.amount_cents, p.currency, p.status into paid
    from public.payments p
    where p.id = new.payment_id and p.organization_id = new.organization_id
    for no key update;
    if not found then
        return new;
    end if;
    if paid.currency <> new.currency then
        perform app_private.fail(
            422, 'other_currency', 'a refund is made in the currency of its payment',
            'Use currency ' || paid.currency || '.'
        );
    end if;
    if paid.status not in ('succeeded', 'partially_refunded', 'refunded') then
        perform app_private.fail(
            409, 'not_paid', format('a payment that is %s cannot be refunded', paid.status),
            'Cancel the order instead.'
        );
    end if;
    select coalesce(sum(r.amount_cents), 0) into given_back
    from public.refunds r
    where r.payment_id = new.payment_id
        and r.status in ('pending', 'succeeded')
        and r.id <> new.id;
    if given_back + new.amount_cents > paid.amount_cents then
        perform app_private.fail(
            409, 'refund_too_high', 'refunds would exceed the payment',
            format('At most %s is left to be refunded.', paid.amount_cents - given_back),
            jsonb_build_object('available_cents', paid.amount_cents - given_back)
        );
    end if;
    return new;
end
$$;

revoke all on function app_private.check_refund() from public;

comment on function app_private.check_refund() is
    'Row trigger: no payment gives back more than it brought in.';

create trigger check_refund before insert or update of status, amount_cents, payment_id, currency
    on public.refunds
    for each row execute function app_private.check_refund();

create function app_private.settle_refund()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    paid record;
    given_back bigint;
    order_paid bigint;
    order_given_back bigint;
begin
    select p.id, p.order_id, p.amount_cents, p.status into strict paid
    from public.payments p
    where p.id = new.payment_id
    for no key update;

    select sum(r.amount_cents) into given_back
    from public.refunds r
    where r.payment_id = paid.id and r.status = 'succeeded';

    update public.payments p
    set status = case when given_back >= paid.amount_cents then 'refunded' else 'partially_refunded' end
    where p.id = paid.id
        and p.status <> case
            when given_back >= paid.amount_cents then 'refunded' else 'partially_refunded'
        end;

    -- The order follows once all that was paid for it is given back. A refund of a
    -- payment that came too late is none of the order's business. Refunds are looked up
    -- by their payment: a plan that joins them was made while both tables were empty.
    select
        coalesce(sum(p.amount_cents) filter (
            where p.status in ('succeeded', 'partially_refunded', 'refunded')
        ), 0),
        coalesce(sum(g.amount_cents), 0)
    into order_paid, order_given_back
    from public.payments p
    cross join lateral (
        select sum(r.amount_cents) as amount_cents
        from public.refunds r
        where r.payment_id = p.id and r.status = 'succeeded'
    ) g
    where p.order_id = paid.order_id;

    update public.orders o
    set order_status = case
        when order_given_back >= order_paid then 'refunded' else 'partially_refunded'
    end
    where o.id = paid.order_id
        and o.order_status in ('confirmed', 'partially_refunded')
        and o.order_status <> case
            when order_given_back >= order_paid then 'refunded' else 'partially_refunded'
        end
        and (order_given_back >= order_paid or order_paid - order_given_back < o.total_cents);
    return null;
end
$$;

revoke all on function app_private.settle_refund() from public;

comment on function app_private.settle_refund() is
    'Row trigger: a refund that succeeded moves its payment and its order on.';

create trigger settle_refund_insert after insert on public.refunds
    for each row when (new.status = 'succeeded')
    execute function app_private.settle_refund();

create trigger settle_refund_update after update of status on public.refunds
    for each row when (new.status = 'succeeded' and old.status is distinct from new.status)
    execute function app_private.settle_refund();
