-- What the edge function payment-webhook calls. Signatures are checked there, with the
-- provider's secret; here each event has its effect once, however often it is delivered.

create function app_private.apply_payment_event(_webhook_id uuid)
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
    told record;
    body jsonb;
    kind text;
    ours text;
    theirs text;
    amount bigint;
    money text;
    refund_ref text;
    paid record;
    refund record;
begin
    select w.id, w.provider, w.event_type, w.payload into strict told
    from public.payment_webhook_events w
    where w.id = _webhook_id;

    -- Our own neutral form, or the object of a Stripe event.
    body := coalesce(told.payload #> '{data,object}', told.payload);
    kind := case told.event_type
        when 'payment_intent.succeeded' then 'payment.succeeded'
        when 'payment_intent.payment_failed' then 'payment.failed'
        when 'payment_intent.canceled' then 'payment.cancelled'
        when 'payment_intent.amount_capturable_updated' then 'payment.authorized'
        when 'charge.refunded' then 'refund.succeeded'
        when 'refund.failed' then 'refund.failed'
        else told.event_type
    end;
    if kind not in (
        'payment.succeeded', 'payment.failed', 'payment.cancelled', 'payment.authorized',
        'refund.succeeded', 'refund.failed'
    ) then
        return 'ignored';
    end if;

    ours := coalesce(body #>> '{metadata,payment_id}', body ->> 'payment_id');
    theirs := coalesce(body ->> 'provider_ref', body ->> 'payment_intent', body ->> 'id');
    amount := coalesce(
        body ->> 'amount_cents', body ->> 'amount_received', body ->> 'amount'
    )::bigint;
    money := upper(body ->> 'currency');
    -- A Stripe charge that was refunded twice comes twice with the same id.
    refund_ref := coalesce(
        body ->> 'refund_ref',
        body #>> '{refunds,data,0,id}',
        (body ->> 'id') || ':' || (body ->> 'amount_refunded'),
        body ->> 'id'
    );

    select p.* into paid
    from public.payments p
    where (ours ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' and p.id = ours::uuid
            and p.provider = told.provider)
        or (p.provider = told.provider and p.provider_ref = theirs)
    order by (p.provider_ref is not distinct from theirs) desc, p.id
    limit 1
    for no key update;
    if not found then
        raise exception 'no payment for % %', told.provider, coalesce(ours, theirs, 'without a reference')
            using errcode = 'no_data_found';
    end if;
    update public.payment_webhook_events w
    set organization_id = paid.organization_id
    where w.id = _webhook_id and w.organization_id is distinct from paid.organization_id;

    if money is not null and money <> paid.currency then
        raise exception 'the provider says %, the payment is in %', money, paid.currency
            using errcode = 'data_exception';
    end if;

    if kind = 'payment.succeeded' then
        if amount is distinct from paid.amount_cents and amount is not null then
            raise exception 'the provider says %, the payment is %', amount, paid.amount_cents
                using errcode = 'data_exception';
        end if;
        if paid.status in ('succeeded', 'partially_refunded', 'refunded') then
            return 'no change';
        end if;
        update public.payments p
        set status = 'succeeded', provider_ref = coalesce(p.provider_ref, theirs)
        where p.id = paid.id;
        return 'payment succeeded';
    elsif kind in ('payment.failed', 'payment.cancelled', 'payment.authorized') then
        -- Events arrive in any order: what has succeeded does not fail afterwards.
        if paid.status not in ('pending', 'authorized', 'failed')
            or paid.status = split_part(kind, '.', 2)
            or (paid.status = 'failed' and kind = 'payment.authorized' and paid.paid_at is not null)
        then
            return 'no change';
        end if;
        update public.payments p
        set status = split_part(kind, '.', 2),
            provider_ref = coalesce(p.provider_ref, theirs),
            failure_code = case kind when 'payment.failed' then left(coalesce(
                body #>> '{last_payment_error,code}', body ->> 'failure_code', 'unknown'
            ), 100) end
        where p.id = paid.id;
        return 'payment ' || split_part(kind, '.', 2);
    end if;

    -- A charge tells what was refunded in all, and only older ones list each refund.
    if body ? 'amount_refunded' then
        amount := coalesce(
            (body #>> '{refunds,data,0,amount}')::bigint,
            (body ->> 'amount_refunded')::bigint - (
                select coalesce(sum(r.amount_cents), 0)
                from public.refunds r
                where r.payment_id = paid.id and r.status = 'succeeded'
            )
        );
    end if;

    -- A refund: the one that we asked for, known by its reference or waiting with this
    -- amount, or one that was made in the provider's own dashboard.
    select r.* into refund
    from public.refunds r
    where r.payment_id = paid.id
        and (
            r.provider_ref = refund_ref
            or (r.provider_ref is null and r.status = 'pending'
                and (amount is null or r.amount_cents = amount))
        )
    order by (r.provider_ref is not distinct from refund_ref) desc, r.created_at, r.id
    limit 1
    for no key update;
    if found then
        if refund.status = split_part(kind, '.', 2) or refund.status = 'succeeded' then
            return 'no change';
        end if;
        update public.refunds r
        set status = split_part(kind, '.', 2), provider_ref = coalesce(r.provider_ref, refund_ref)
        where r.id = refund.id;
    elsif kind = 'refund.succeeded' and (amount is null or amount > 0) then
        insert into public.refunds (
            organization_id, payment_id, provider_ref, amount_cents, currency, reason, status
        )
        values (
            paid.organization_id, paid.id, refund_ref, coalesce(amount, paid.amount_cents),
            paid.currency, 'Made at the payment provider.', 'succeeded'
        );
    else
        return 'no change';
    end if;
    return 'refund ' || split_part(kind, '.', 2);
end
$$;

revoke all on function app_private.apply_payment_event(uuid) from public;

comment on function app_private.apply_payment_event(uuid) is
    'Moves payment or refund as a stored webhook event says; returns what it did. Raises where that is not possible.';

create function app_private.handle_payment_webhook(
    _provider text,
    _event_id text,
    _event_type text,
    _payload jsonb
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
    stored uuid;
    earlier record;
    effect text;
    problem text;
begin
    -- A second delivery waits here for the first one to commit, and then is a duplicate.
    insert into public.payment_webhook_events (provider, event_id, event_type, payload, attempts)
    values (_provider, _event_id, _event_type, _payload, 1)
    on conflict (provider, event_id) do nothing
    returning id into stored;
    if stored is null then
        select w.id, w.processed_at, w.last_error into strict earlier
        from public.payment_webhook_events w
        where w.provider = _provider and w.event_id = _event_id
        for no key update;
        if earlier.processed_at is not null then
            return jsonb_build_object('id', earlier.id, 'status', 'duplicate');
        end if;
        -- It failed before: the provider's next delivery is another attempt.
        stored := earlier.id;
        update public.payment_webhook_events w set attempts = w.attempts + 1 where w.id = stored;
    end if;

    -- The event stays stored even where its effect fails: that is undone alone, and the
    -- reason is kept.
    begin
        effect := app_private.apply_payment_event(stored);
    exception when others then
        problem := left(format('%s (%s)', sqlerrm, sqlstate), 2000);
    end;
    if problem is not null then
        update public.payment_webhook_events w set last_error = problem where w.id = stored;
        insert into public.integration_logs (
            organization_id, integration, direction, operation, status, error, request_id
        )
        select w.organization_id, _provider, 'inbound', left(_event_type, 200), 'error', problem,
            left(_event_id, 200)
        from public.payment_webhook_events w
        where w.id = stored;
        return jsonb_build_object('id', stored, 'status', 'failed', 'error', problem);
    end if;
    update public.payment_webhook_events w
    set processed_at = now(), last_error = null
    where w.id = stored;
    return jsonb_build_object('id', stored, 'status', 'processed', 'effect', effect);
end
$$;

revoke all on function app_private.handle_payment_webhook(text, text, text, jsonb) from public;
grant execute on function app_private.handle_payment_webhook(text, text, text, jsonb)
    to service_role;

comment on function app_private.handle_payment_webhook(text, text, text, jsonb) is
    'See public.payment_webhook.';

create function app_private.retry_payment_webhooks(_limit integer default 100)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
    open record;
    answer jsonb;
    done integer := 0;
begin
    for open in
        select w.provider, w.event_id, w.event_type, w.payload
        from public.payment_webhook_events w
        where w.processed_at is null and w.attempts < 20
            and w.updated_at < now() - least(w.attempts * interval '1 minute', interval '1 hour')
        order by w.created_at
        limit _limit
        for no key update skip locked
    loop
        answer := app_private.handle_payment_webhook(
            open.provider, open.event_id, open.event_type, open.payload
        );
        if answer ->> 'status' = 'processed' then
            done := done + 1;
        end if;
    end loop;
    return done;
end
$$;

revoke all on function app_private.retry_payment_webhooks(integer) from public;
grant execute on function app_private.retry_payment_webhooks(integer) to service_role;

comment on function app_private.retry_payment_webhooks(integer) is
    'Tries events again whose effect failed, later and later; returns how many succeeded.';

create function public.payment_webhook(
    provider text,
    event_id text,
    event_type text,
    payload jsonb
)
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
    return app_private.handle_payment_webhook(provider, event_id, event_type, payload);
end
$$;

revoke all on function public.payment_webhook(text, text, text, jsonb)
    from public, anon, authenticated, service_role;
grant execute on function public.payment_webhook(text, text, text, jsonb) to service_role;

comment on function public.payment_webhook(text, text, text, jsonb) is
    'Server only: takes in a verified webhook event. Answers processed, duplicate or failed; failed ones stay stored and are tried again.';
