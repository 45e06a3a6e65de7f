-- Orders and money. Nothing here goes away with its tenant, event or account:
-- records of money outlive them (NO ACTION), and an account leaves only its
-- reference behind (SET NULL). Amounts are bigint in the currency's minor unit.

create table public.orders (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    user_id uuid,
    customer_email extensions.citext not null
        check (customer_email::text ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
            and char_length(customer_email::text) <= 320),
    customer_name text
        check (char_length(customer_name) <= 200),
    order_status text not null default 'pending'
        check (order_status in (
            'pending', 'confirmed', 'cancelled', 'expired', 'partially_refunded', 'refunded'
        )),
    quantity integer not null default 0
        check (quantity >= 0),
    subtotal_cents bigint not null default 0
        check (subtotal_cents >= 0),
    discount_cents bigint not null default 0
        check (discount_cents >= 0),
    tax_cents bigint not null default 0
        check (tax_cents >= 0),
    total_cents bigint not null default 0
        check (total_cents >= 0),
    currency text not null default 'USD'
        check (currency ~ '^[A-Z]{3}$'),
    payment_id uuid,
    idempotency_key text
        check (btrim(idempotency_key) <> '' and char_length(idempotency_key) <= 200),
    confirmed_at timestamptz,
    cancelled_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint orders_tenant_key unique (organization_id, id),
    constraint orders_idempotency_key unique (organization_id, idempotency_key),
    constraint orders_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint orders_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id),
    constraint orders_user_fkey foreign key (user_id)
        references public.profiles (id) on delete set null,
    constraint orders_discount_check check (discount_cents <= subtotal_cents),
    constraint orders_total_check
        check (total_cents = subtotal_cents - discount_cents + tax_cents)
);

comment on table public.orders is
    'Purchases of tickets for one event.';
comment on column public.orders.user_id is
    'The buyer''s account; null: bought as a guest, or the account is gone.';
comment on column public.orders.quantity is
    'Units over all items: as many tickets are issued on confirmation.';
comment on column public.orders.total_cents is
    'What the buyer pays: subtotal - discount + tax.';
comment on column public.orders.payment_id is
    'The payment that settled the order; null while unpaid and for free orders.';
comment on column public.orders.idempotency_key is
    'The client''s key for this purchase: the same key again finds the same order.';

create table public.order_items (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    order_id uuid not null,
    category_id uuid not null,
    quantity integer not null
        check (quantity > 0),
    unit_price_cents bigint not null
        check (unit_price_cents >= 0),
    total_cents bigint not null generated always as (quantity * unit_price_cents) stored,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint order_items_tenant_key unique (organization_id, id),
    constraint order_items_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint order_items_order_fkey foreign key (order_id, organization_id)
        references public.orders (id, organization_id) on delete cascade,
    constraint order_items_category_fkey foreign key (category_id, organization_id)
        references public.ticket_categories (id, organization_id)
);

comment on table public.order_items is
    'Lines of an order: so many units of one ticket category at one price.';
comment on column public.order_items.unit_price_cents is
    'The price at the time of the order, in the order''s currency.';

create table public.payments (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    order_id uuid not null,
    provider text not null
        check (provider ~ '^[a-z][a-z0-9_]{0,62}$'),
    provider_ref text
        check (btrim(provider_ref) <> '' and char_length(provider_ref) <= 255),
    amount_cents bigint not null
        check (amount_cents >= 0),
    currency text not null
        check (currency ~ '^[A-Z]{3}$'),
    status text not null default 'pending'
        check (status in (
            'pending', 'authorized', 'succeeded', 'failed', 'cancelled',
            'partially_refunded', 'refunded'
        )),
    failure_code text
        check (char_length(failure_code) <= 100),
    paid_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint payments_tenant_key unique (organization_id, id),
    constraint payments_provider_ref_key unique (provider, provider_ref),
    constraint payments_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint payments_order_fkey foreign key (order_id, organization_id)
        references public.orders (id, organization_id)
);

comment on table public.payments is
    'Attempts to pay an order, successful or not.';
comment on column public.payments.provider is
    'The payment service, lower case (stripe), or how it was paid (cash, bank_transfer).';
comment on column public.payments.provider_ref is
    'The provider''s id of the payment, unique per provider; null until the provider gave one.';

-- Orders and payments refer to each other; this half had to wait for payments.
alter table public.orders
    add constraint orders_payment_fkey foreign key (payment_id, organization_id)
        references public.payments (id, organization_id);

create table public.refunds (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    payment_id uuid not null,
    provider_ref text
        check (btrim(provider_ref) <> '' and char_length(provider_ref) <= 255),
    amount_cents bigint not null
        check (amount_cents > 0),
    currency text not null
        check (currency ~ '^[A-Z]{3}$'),
    reason text
        check (char_length(reason) <= 2000),
    status text not null default 'pending'
        check (status in ('pending', 'succeeded', 'failed', 'cancelled')),
    requested_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint refunds_tenant_key unique (organization_id, id),
    constraint refunds_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint refunds_payment_fkey foreign key (payment_id, organization_id)
        references public.payments (id, organization_id),
    constraint refunds_requester_fkey foreign key (requested_by)
        references public.profiles (id) on delete set null
);

comment on table public.refunds is
    'Money given back on a payment, in whole or in part.';

create table public.payouts (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    provider text not null
        check (provider ~ '^[a-z][a-z0-9_]{0,62}$'),
    provider_ref text
        check (btrim(provider_ref) <> '' and char_length(provider_ref) <= 255),
    amount_cents bigint not null
        check (amount_cents >= 0),
    currency text not null
        check (currency ~ '^[A-Z]{3}$'),
    status text not null default 'pending'
        check (status in ('pending', 'in_transit', 'paid', 'failed', 'cancelled')),
    period_start date,
    period_end date,
    arrived_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint payouts_tenant_key unique (organization_id, id),
    constraint payouts_provider_ref_key unique (provider, provider_ref),
    constraint payouts_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint payouts_period_check check (period_end >= period_start)
);

comment on table public.payouts is
    'Transfers of collected money from the payment provider to the tenant.';

create table public.tax_rates (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 100),
    country_code text
        check (country_code ~ '^[A-Z]{2}$'),
    region text
        check (char_length(region) <= 100),
    rate_bps integer not null
        check (rate_bps between 0 and 10000),
    is_inclusive boolean not null default false,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tax_rates_tenant_key unique (organization_id, id),
    constraint tax_rates_name_key unique (organization_id, name),
    constraint tax_rates_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.tax_rates is
    'Taxes that a tenant charges. A rate in use cannot be deleted; set it inactive.';
comment on column public.tax_rates.rate_bps is
    'Hundredths of a percent: 1900 is 19 %.';
comment on column public.tax_rates.is_inclusive is
    'True: listed prices contain the tax.';

create table public.invoices (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    order_id uuid,
    number text not null
        check (btrim(number) <> '' and char_length(number) <= 50),
    bill_to text not null
        check (btrim(bill_to) <> '' and char_length(bill_to) <= 1000),
    total_cents bigint not null default 0
        check (total_cents >= 0),
    currency text not null
        check (currency ~ '^[A-Z]{3}$'),
    status text not null default 'draft'
        check (status in ('draft', 'open', 'paid', 'void')),
    issued_on date,
    due_on date,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint invoices_tenant_key unique (organization_id, id),
    constraint invoices_number_key unique (organization_id, number),
    constraint invoices_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint invoices_order_fkey foreign key (order_id, organization_id)
        references public.orders (id, organization_id),
    constraint invoices_issue_check check (status = 'draft' or issued_on is not null),
    constraint invoices_dates_check check (due_on >= issued_on)
);

comment on table public.invoices is
    'Invoices that a tenant writes. Only drafts may be deleted; what was issued is voided.';
comment on column public.invoices.order_id is
    'The order it bills; null for invoices that bill something else.';
comment on column public.invoices.bill_to is
    'Name and address as printed.';

create table public.invoice_lines (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    invoice_id uuid not null,
    position integer not null
        check (position > 0),
    description text not null
        check (btrim(description) <> '' and char_length(description) <= 1000),
    quantity numeric(12, 3) not null default 1
        check (quantity > 0),
    unit_price_cents bigint not null
        check (unit_price_cents >= 0),
    total_cents bigint not null
        generated always as (round(quantity * unit_price_cents)::bigint) stored,
    tax_rate_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint invoice_lines_tenant_key unique (organization_id, id),
    constraint invoice_lines_position_key unique (invoice_id, organization_id, position),
    constraint invoice_lines_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint invoice_lines_invoice_fkey foreign key (invoice_id, organization_id)
        references public.invoices (id, organization_id) on delete cascade,
    constraint invoice_lines_tax_rate_fkey foreign key (tax_rate_id, organization_id)
        references public.tax_rates (id, organization_id)
);

comment on table public.invoice_lines is
    'Lines of an invoice, in printed order.';
comment on column public.invoice_lines.total_cents is
    'Before tax, rounded half away from zero.';

create table public.payment_webhook_events (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid,
    provider text not null
        check (provider ~ '^[a-z][a-z0-9_]{0,62}$'),
    event_id text not null
        check (btrim(event_id) <> '' and char_length(event_id) <= 255),
    event_type text not null
        check (btrim(event_type) <> '' and char_length(event_type) <= 100),
    payload jsonb not null,
    attempts integer not null default 0
        check (attempts >= 0),
    last_error text,
    processed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint payment_webhook_events_tenant_key unique (organization_id, id),
    constraint payment_webhook_events_event_key unique (provider, event_id),
    constraint payment_webhook_events_organization_fkey foreign key (organization_id)
        references public.organizations (id)
);

comment on table public.payment_webhook_events is
    'What payment providers told us, once per event however often it was delivered. Server only.';
comment on column public.payment_webhook_events.organization_id is
    'Null until processing found out whose payment it is: the provider does not know our tenants.';
comment on column public.payment_webhook_events.event_id is
    'The provider''s id of its event, unique per provider: it makes the intake idempotent.';

revoke all on table
    public.orders,
    public.order_items,
    public.payments,
    public.refunds,
    public.payouts,
    public.tax_rates,
    public.invoices,
    public.invoice_lines,
    public.payment_webhook_events
from public, anon, authenticated, service_role;
