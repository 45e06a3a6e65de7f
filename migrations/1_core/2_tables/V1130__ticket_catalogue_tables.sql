-- What is for sale: ticket categories, their prices, promo codes. The tickets
-- themselves come from orders and follow after those.

create table public.ticket_categories (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    description text
        check (char_length(description) <= 5000),
    price_cents bigint not null default 0
        check (price_cents >= 0),
    currency text not null default 'USD'
        check (currency ~ '^[A-Z]{3}$'),
    capacity integer not null
        check (capacity >= 0),
    sold integer not null default 0
        check (sold >= 0),
    reserved integer not null default 0
        check (reserved >= 0),
    sales_start timestamptz,
    sales_end timestamptz,
    max_per_order integer not null default 10
        check (max_per_order between 1 and 1000),
    status text not null default 'on_sale'
        check (status in ('draft', 'on_sale', 'paused', 'closed')),
    is_hidden boolean not null default false,
    sort_order integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ticket_categories_tenant_key unique (organization_id, id),
    constraint ticket_categories_name_key unique (event_id, organization_id, name),
    constraint ticket_categories_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint ticket_categories_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint ticket_categories_sales_check check (sales_end > sales_start),
    -- The last line of defence against overselling: no code path gets past it.
    -- The sum is taken in bigint, or it could overflow before it is compared.
    constraint ticket_categories_stock_check
        check (sold::bigint + reserved::bigint <= capacity::bigint)
);

comment on table public.ticket_categories is
    'Kinds of tickets of an event, with price and stock.';
comment on column public.ticket_categories.price_cents is
    'Price in the currency''s minor unit, before pricing rules and promo codes.';
comment on column public.ticket_categories.sold is
    'Units in confirmed orders; moved by the server only.';
comment on column public.ticket_categories.reserved is
    'Units held by active reservations; moved by the server only.';
comment on column public.ticket_categories.is_hidden is
    'True: sold, but not listed (sponsors, staff).';

create table public.pricing_rules (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    category_id uuid not null,
    kind text not null
        check (kind in ('early_bird', 'time_based', 'demand', 'quantity', 'manual')),
    params jsonb not null default '{}'
        check (jsonb_typeof(params) = 'object'),
    min_cents bigint
        check (min_cents >= 0),
    max_cents bigint
        check (max_cents >= 0),
    priority integer not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pricing_rules_tenant_key unique (organization_id, id),
    constraint pricing_rules_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint pricing_rules_category_fkey foreign key (category_id, organization_id)
        references public.ticket_categories (id, organization_id) on delete cascade,
    constraint pricing_rules_bounds_check check (max_cents >= min_cents)
);

comment on table public.pricing_rules is
    'How the price of a category moves.';
comment on column public.pricing_rules.params is
    'The rule''s own settings; their shape depends on kind.';
comment on column public.pricing_rules.min_cents is
    'The rule never goes below this price; null: no floor.';
comment on column public.pricing_rules.max_cents is
    'The rule never goes above this price; null: no ceiling.';
comment on column public.pricing_rules.priority is
    'Higher goes first.';

create table public.price_history (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    category_id uuid not null,
    old_price_cents bigint
        check (old_price_cents >= 0),
    new_price_cents bigint not null
        check (new_price_cents >= 0),
    currency text not null
        check (currency ~ '^[A-Z]{3}$'),
    reason text
        check (char_length(reason) <= 2000),
    source text not null default 'manual'
        check (source in ('manual', 'rule', 'engine', 'import')),
    actor_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint price_history_tenant_key unique (organization_id, id),
    constraint price_history_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint price_history_category_fkey foreign key (category_id, organization_id)
        references public.ticket_categories (id, organization_id) on delete cascade,
    constraint price_history_actor_fkey foreign key (actor_id)
        references public.profiles (id) on delete set null,
    constraint price_history_change_check
        check (old_price_cents is distinct from new_price_cents)
);

comment on table public.price_history is
    'Each change of a category''s price; written by the server, created_at is when.';
comment on column public.price_history.source is
    'manual: a member; rule: a pricing rule; engine: the dynamic pricing function; import: loaded.';

create table public.promo_codes (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid,
    code extensions.citext not null
        check (code::text ~ '^[A-Za-z0-9][A-Za-z0-9_-]{1,49}$'),
    kind text not null
        check (kind in ('percent', 'fixed')),
    value bigint not null
        check (value > 0),
    currency text
        check (currency ~ '^[A-Z]{3}$'),
    max_uses integer
        check (max_uses > 0),
    used integer not null default 0
        check (used >= 0),
    valid_from timestamptz,
    valid_until timestamptz,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint promo_codes_tenant_key unique (organization_id, id),
    constraint promo_codes_code_key unique (organization_id, code),
    constraint promo_codes_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint promo_codes_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint promo_codes_discount_check check (
        case kind
            when 'percent' then value <= 10000 and currency is null
            else currency is not null
        end
    ),
    constraint promo_codes_validity_check check (valid_until > valid_from),
    constraint promo_codes_uses_check check (used <= max_uses)
);

comment on table public.promo_codes is
    'Codes that lower the price of an order.';
comment on column public.promo_codes.event_id is
    'Null: valid for all events of the tenant.';
comment on column public.promo_codes.code is
    'What the buyer types; upper and lower case are the same.';
comment on column public.promo_codes.value is
    'percent: hundredths of a percent (1000 is 10 %); fixed: the currency''s minor unit.';
comment on column public.promo_codes.used is
    'Redemptions so far; moved by the server only.';

revoke all on table
    public.ticket_categories,
    public.pricing_rules,
    public.price_history,
    public.promo_codes
from public, anon, authenticated, service_role;
