-- Prices. A rule applies when all the conditions in its params hold, and the applicable
-- rule of the highest priority decides alone:
--   conditions  from, until (timestamps), sold_ratio (this share of the capacity is gone),
--               min_quantity (units in the order)
--   effect      price_cents (the new price) or percent (change, -10 is ten percent off)
-- min_cents and max_cents bound the result.

create function app_private.unit_price(
    _category_id uuid,
    _quantity integer default 1,
    _at timestamptz default now()
)
returns bigint
language sql
stable
security definer
set search_path = ''
as $$
    select coalesce(
        (
            select greatest(
                coalesce(r.min_cents, 0),
                least(
                    coalesce(r.max_cents, 9223372036854775807),
                    coalesce(
                        (r.params ->> 'price_cents')::bigint,
                        round(c.price_cents * (1 + (r.params ->> 'percent')::numeric / 100))::bigint
                    )
                )
            )
            from public.pricing_rules r
            where r.category_id = c.id
                and r.organization_id = c.organization_id
                and r.is_active
                and (r.params ? 'price_cents' or r.params ? 'percent')
                and coalesce((r.params ->> 'from')::timestamptz <= _at, true)
                and coalesce((r.params ->> 'until')::timestamptz > _at, true)
                and coalesce((r.params ->> 'min_quantity')::integer <= _quantity, true)
                and coalesce(
                    (r.params ->> 'sold_ratio')::numeric * c.capacity <= c.sold + c.reserved, true
                )
            order by r.priority desc, r.id
            limit 1
        ),
        c.price_cents
    )
    from public.ticket_categories c
    where c.id = _category_id
$$;

revoke all on function app_private.unit_price(uuid, integer, timestamptz) from public;
grant execute on function app_private.unit_price(uuid, integer, timestamptz) to service_role;

comment on function app_private.unit_price(uuid, integer, timestamptz) is
    'What one unit of a category costs at that time in an order of that many: its price, moved by the first pricing rule that applies.';
