-- POST /api/sponsors/deals. Runs as the caller: policies decide.

create function public.create_sponsor_deal(
    event_id uuid,
    sponsor_id uuid default null,
    sponsor_name text default null,
    package_id uuid default null,
    title text default null,
    stage text default 'lead',
    amount_cents bigint default null,
    probability integer default null,
    close_date date default null
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    event record;
    package record;
    sponsor record;
    deal public.deals%rowtype;
begin
    select e.id, e.organization_id, e.name, e.currency into event
    from public.events e
    where e.id = $1;
    if not found then
        perform app_private.fail(
            404, 'event_not_found', 'there is no such event that the caller may see',
            'Check the id.', jsonb_build_object('event_id', $1)
        );
    end if;
    perform app_private.require_member(event.organization_id, array['owner', 'admin', 'manager']);

    if $4 is not null then
        select p.id, p.name, p.price_cents, p.currency, p.slots - p.taken as free into package
        from public.sponsor_packages p
        where p.id = $4 and p.event_id = $1 and p.organization_id = event.organization_id;
        if not found then
            perform app_private.fail(
                404, 'package_not_found', 'the event has no such sponsor package',
                'Check the id.', jsonb_build_object('package_id', $4)
            );
        end if;
        -- Only a deal that is won takes a slot; a new one that could never be is refused.
        if package.free <= 0 then
            perform app_private.fail(
                409, 'no_slot_left', 'all slots of the sponsor package are taken',
                'Offer another package, or add slots to this one.',
                jsonb_build_object('package_id', $4)
            );
        end if;
    else
        select null::uuid as id, null::text as name, null::bigint as price_cents,
            event.currency as currency, null::integer as free
        into package;
    end if;

    if $2 is not null then
        select s.id, s.name, s.status into sponsor
        from public.sponsors s
        where s.id = $2 and s.organization_id = event.organization_id;
    elsif nullif(btrim($3), '') is not null then
        insert into public.sponsors (organization_id, name)
        values (event.organization_id, btrim($3))
        on conflict on constraint sponsors_name_key do nothing;
        select s.id, s.name, s.status into sponsor
        from public.sponsors s
        where s.organization_id = event.organization_id and s.name = btrim($3);
    else
        perform app_private.fail(
            422, 'missing_field', 'a deal needs a sponsor', 'Send sponsor_id or sponsor_name.'
        );
    end if;
    if not found then
        perform app_private.fail(
            404, 'sponsor_not_found', 'the organization has no such sponsor', 'Check the id.',
            jsonb_build_object('sponsor_id', $2)
        );
    end if;
    if sponsor.status = 'blocked' then
        perform app_private.fail(
            409, 'sponsor_blocked', 'the sponsor is blocked', 'Ask who blocked it.',
            jsonb_build_object('sponsor_id', sponsor.id)
        );
    end if;

    insert into public.deals (
        organization_id, event_id, sponsor_id, package_id, title, stage, amount_cents, currency,
        probability, close_date, owner_id
    )
    values (
        event.organization_id, event.id, sponsor.id, package.id,
        coalesce(
            nullif(btrim($5), ''),
            left(concat_ws(': ', sponsor.name, coalesce(package.name, event.name)), 200)
        ),
        $6, coalesce($7, package.price_cents, 0), package.currency,
        coalesce($8, case $6
            when 'qualified' then 25 when 'proposal' then 50 when 'negotiation' then 75 else 10
        end),
        $9,
        -- A server may call on behalf of somebody who is no member.
        (
            select m.user_id
            from public.organization_members m
            where m.organization_id = event.organization_id and m.user_id = (select auth.uid())
        )
    )
    returning * into deal;
    return to_jsonb(deal);
end
$$;

revoke all on function public.create_sponsor_deal(
    uuid, uuid, text, uuid, text, text, bigint, integer, date
) from public, anon, authenticated, service_role;
grant execute on function public.create_sponsor_deal(
    uuid, uuid, text, uuid, text, text, bigint, integer, date
) to authenticated, service_role;

comment on function public.create_sponsor_deal(
    uuid, uuid, text, uuid, text, text, bigint, integer, date
) is
    'POST /api/sponsors/deals: makes a deal for an event with a sponsor, known or new; amount and currency come from the package unless given.';
