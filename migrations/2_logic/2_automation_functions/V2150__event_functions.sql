-- POST /api/events and GET /api/events/:id. Both run as the caller: policies decide.

create function public.create_event(
    organization_id uuid,
    name text,
    start_date timestamptz,
    end_date timestamptz default null,
    venue_id uuid default null,
    capacity integer default null,
    visibility text default 'private',
    status text default 'planning',
    details jsonb default '{}',
    ticket_categories jsonb default '[]'
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
    org record;
    new_event uuid;
begin
    if $1 is null or nullif(btrim($2), '') is null or $3 is null then
        perform app_private.fail(
            422, 'missing_field', 'an event needs an organization, a name and a start',
            'Send organization_id, name and start_date.'
        );
    end if;
    if $4 <= $3 then
        perform app_private.fail(
            422, 'invalid_dates', 'an event ends after it starts', 'Correct end_date.'
        );
    end if;
    if jsonb_typeof($9) <> 'object' or jsonb_typeof($10) <> 'array' then
        perform app_private.fail(
            422, 'invalid_field', 'details is an object and ticket_categories a list', null
        );
    end if;
    perform app_private.require_member($1, array['owner', 'admin', 'manager']);

    select o.timezone, o.default_currency into org
    from public.organizations o
    where o.id = $1;
    if not found then
        perform app_private.fail(
            404, 'organization_not_found', 'there is no such organization', 'Check the id.'
        );
    end if;

    insert into public.events (
        organization_id, name, start_date, end_date, venue_id, capacity, visibility, status,
        slug, description, timezone, currency, category_id, series_id, created_by
    )
    values (
        $1, btrim($2), $3, coalesce($4, $3 + interval '8 hours'), $5, $6, $7, $8,
        $9 ->> 'slug', $9 ->> 'description',
        coalesce($9 ->> 'timezone', org.timezone),
        coalesce($9 ->> 'currency', org.default_currency),
        ($9 ->> 'category_id')::uuid,
        ($9 ->> 'series_id')::uuid,
        app_private.current_profile_id()
    )
    returning id into new_event;

    insert into public.ticket_categories (
        organization_id, event_id, name, description, price_cents, currency, capacity,
        sales_start, sales_end, max_per_order, sort_order
    )
    select $1, new_event, c.name, c.description, coalesce(c.price_cents, 0),
        coalesce(c.currency, $9 ->> 'currency', org.default_currency), c.capacity,
        c.sales_start, c.sales_end, coalesce(c.max_per_order, 10), c.ord::integer
    from (
        select r.*, e.ord
        from jsonb_array_elements($10) with ordinality as e (item, ord)
        cross join lateral jsonb_to_record(e.item) as r (
            name text, description text, price_cents bigint, currency text, capacity integer,
            sales_start timestamptz, sales_end timestamptz, max_per_order integer
        )
    ) c;

    return public.get_event(new_event);
end
$$;

create function public.get_event(event_id uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
    found_event jsonb;
begin
    select jsonb_build_object(
        'id', e.id,
        'organization_id', e.organization_id,
        'name', e.name,
        'slug', e.slug,
        'description', e.description,
        'start_date', e.start_date,
        'end_date', e.end_date,
        'timezone', e.timezone,
        'status', e.status,
        'visibility', e.visibility,
        'capacity', e.capacity,
        'currency', e.currency,
        'category_id', e.category_id,
        'series_id', e.series_id,
        'created_at', e.created_at,
        'updated_at', e.updated_at,
        'venue', (
            select jsonb_build_object(
                'id', v.id, 'name', v.name, 'city', v.city, 'country_code', v.country_code,
                'timezone', v.timezone, 'capacity', v.capacity
            )
            from public.venues v
            where v.id = e.venue_id and v.organization_id = e.organization_id
        ),
        'ticket_categories', coalesce((
            select jsonb_agg(jsonb_build_object(
                'id', c.id, 'name', c.name, 'description', c.description,
                'price_cents', c.price_cents, 'currency', c.currency, 'status', c.status,
                'sales_start', c.sales_start, 'sales_end', c.sales_end,
                'max_per_order', c.max_per_order,
                'available', c.capacity::bigint - c.sold - c.reserved
            ) order by c.sort_order, c.name, c.id)
            from public.ticket_categories c
            where c.event_id = e.id and c.organization_id = e.organization_id
        ), '[]'),
        'sessions', coalesce((
            select jsonb_agg(jsonb_build_object(
                'id', s.id, 'title', s.title, 'starts_at', s.starts_at, 'ends_at', s.ends_at,
                'status', s.status, 'space_id', s.space_id, 'capacity', s.capacity
            ) order by s.starts_at, s.id)
            from public.event_sessions s
            where s.event_id = e.id and s.organization_id = e.organization_id
        ), '[]')
    )
    into found_event
    from public.events e
    where e.id = $1;
    if found_event is null then
        perform app_private.fail(
            404, 'event_not_found', 'there is no such event that the caller may see',
            'Check the id, or sign in as a member of its organization.',
            jsonb_build_object('event_id', $1)
        );
    end if;
    return found_event;
end
$$;

-- get_event tells anonymous callers as well what is wrong.
grant execute on function app_private.fail(integer, text, text, text, jsonb) to anon;

revoke all on function public.create_event(
    uuid, text, timestamptz, timestamptz, uuid, integer, text, text, jsonb, jsonb
) from public, anon, authenticated, service_role;
grant execute on function public.create_event(
    uuid, text, timestamptz, timestamptz, uuid, integer, text, text, jsonb, jsonb
) to authenticated, service_role;
revoke all on function public.get_event(uuid) from public, anon, authenticated, service_role;
grant execute on function public.get_event(uuid) to anon, authenticated, service_role;

comment on function public.create_event(
    uuid, text, timestamptz, timestamptz, uuid, integer, text, text, jsonb, jsonb
) is
    'POST /api/events: makes an event, with ticket categories if given; without end_date it lasts eight hours. details: slug, description, timezone, currency, category_id, series_id.';
comment on function public.get_event(uuid) is
    'GET /api/events/:id: an event with venue, ticket categories and programme, as far as the caller may see them.';
