-- What orders bring about: reservations, tickets and the people who hold them.

create table public.ticket_reservations (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    category_id uuid not null,
    order_id uuid,
    user_id uuid,
    customer_email extensions.citext
        check (customer_email::text ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
            and char_length(customer_email::text) <= 320),
    quantity integer not null
        check (quantity > 0),
    status text not null default 'active'
        check (status in ('active', 'converted', 'released', 'expired')),
    expires_at timestamptz not null default now() + interval '15 minutes',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ticket_reservations_tenant_key unique (organization_id, id),
    constraint ticket_reservations_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint ticket_reservations_category_fkey foreign key (category_id, organization_id)
        references public.ticket_categories (id, organization_id) on delete cascade,
    constraint ticket_reservations_order_fkey foreign key (order_id, organization_id)
        references public.orders (id, organization_id) on delete cascade,
    constraint ticket_reservations_user_fkey foreign key (user_id)
        references public.profiles (id) on delete cascade,
    constraint ticket_reservations_expiry_check check (expires_at > created_at)
);

comment on table public.ticket_reservations is
    'Stock held for a buyer while he pays. Written by the server, which keeps ticket_categories.reserved in step.';

create table public.attendees (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    user_id uuid,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    email extensions.citext
        check (email::text ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
            and char_length(email::text) <= 320),
    phone text
        check (char_length(phone) <= 40),
    answers jsonb not null default '{}'
        check (jsonb_typeof(answers) = 'object'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint attendees_tenant_key unique (organization_id, id),
    constraint attendees_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint attendees_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint attendees_user_fkey foreign key (user_id)
        references public.profiles (id) on delete set null
);

comment on table public.attendees is
    'The people who come, one row per person and event; they need no account.';
comment on column public.attendees.answers is
    'Answers to the event''s own registration questions.';

create table public.tickets (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    order_id uuid not null,
    order_item_id uuid not null,
    category_id uuid not null,
    attendee_id uuid,
    ordinal integer not null default 1
        check (ordinal > 0),
    code text not null default upper(replace(gen_random_uuid()::text, '-', ''))
        check (code ~ '^[A-Z0-9-]{8,64}$'),
    status text not null default 'valid'
        check (status in ('valid', 'used', 'void')),
    voided_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tickets_tenant_key unique (organization_id, id),
    constraint tickets_code_key unique (code),
    -- Makes issuing idempotent: unit n of an item has one ticket, ever.
    constraint tickets_item_ordinal_key unique (order_item_id, organization_id, ordinal),
    constraint tickets_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint tickets_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id),
    constraint tickets_order_fkey foreign key (order_id, organization_id)
        references public.orders (id, organization_id) on delete cascade,
    constraint tickets_order_item_fkey foreign key (order_item_id, organization_id)
        references public.order_items (id, organization_id) on delete cascade,
    constraint tickets_category_fkey foreign key (category_id, organization_id)
        references public.ticket_categories (id, organization_id),
    constraint tickets_attendee_fkey foreign key (attendee_id, organization_id)
        references public.attendees (id, organization_id),
    constraint tickets_void_check check ((status = 'void') = (voided_at is not null))
);

comment on table public.tickets is
    'One ticket per unit of a confirmed order. Issued by the server only.';
comment on column public.tickets.ordinal is
    'Which unit of its order item this is, from 1.';
comment on column public.tickets.code is
    'What the bar code holds: 122 random bits unless given; knowing it is having the ticket.';

create table public.promo_code_redemptions (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    promo_code_id uuid not null,
    order_id uuid not null,
    discount_cents bigint not null
        check (discount_cents >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint promo_code_redemptions_tenant_key unique (organization_id, id),
    constraint promo_code_redemptions_order_code_key
        unique (order_id, organization_id, promo_code_id),
    constraint promo_code_redemptions_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint promo_code_redemptions_promo_code_fkey
        foreign key (promo_code_id, organization_id)
        references public.promo_codes (id, organization_id),
    constraint promo_code_redemptions_order_fkey foreign key (order_id, organization_id)
        references public.orders (id, organization_id) on delete cascade
);

comment on table public.promo_code_redemptions is
    'Uses of promo codes, each at most once per order; written by the server.';
comment on column public.promo_code_redemptions.discount_cents is
    'What it took off, in the order''s currency.';

create table public.check_ins (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    ticket_id uuid not null,
    device text
        check (btrim(device) <> '' and char_length(device) <= 100),
    checked_in_at timestamptz not null default now(),
    checked_in_by uuid,
    undone_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint check_ins_tenant_key unique (organization_id, id),
    constraint check_ins_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint check_ins_ticket_fkey foreign key (ticket_id, organization_id)
        references public.tickets (id, organization_id) on delete cascade,
    constraint check_ins_member_fkey foreign key (checked_in_by)
        references public.profiles (id) on delete set null,
    constraint check_ins_undone_check check (undone_at >= checked_in_at)
);

comment on table public.check_ins is
    'Entries at the door. A ticket has at most one that was not undone.';
comment on column public.check_ins.device is
    'The scanner that read the ticket.';

create table public.waitlist_entries (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    category_id uuid not null,
    user_id uuid,
    email extensions.citext not null
        check (email::text ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
            and char_length(email::text) <= 320),
    quantity integer not null default 1
        check (quantity > 0),
    position bigint not null generated always as identity,
    status text not null default 'waiting'
        check (status in ('waiting', 'notified', 'converted', 'expired', 'cancelled')),
    notified_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint waitlist_entries_tenant_key unique (organization_id, id),
    constraint waitlist_entries_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint waitlist_entries_category_fkey foreign key (category_id, organization_id)
        references public.ticket_categories (id, organization_id) on delete cascade,
    constraint waitlist_entries_user_fkey foreign key (user_id)
        references public.profiles (id) on delete set null
);

comment on table public.waitlist_entries is
    'Who waits for a sold-out category.';
comment on column public.waitlist_entries.position is
    'Order of arrival over all lists: a place in one list is a count of the smaller ones that still wait.';

create table public.session_registrations (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    session_id uuid not null,
    ticket_id uuid not null,
    status text not null default 'registered'
        check (status in ('registered', 'attended', 'cancelled')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint session_registrations_tenant_key unique (organization_id, id),
    constraint session_registrations_session_ticket_key
        unique (session_id, organization_id, ticket_id),
    constraint session_registrations_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint session_registrations_session_fkey foreign key (session_id, organization_id)
        references public.event_sessions (id, organization_id) on delete cascade,
    constraint session_registrations_ticket_fkey foreign key (ticket_id, organization_id)
        references public.tickets (id, organization_id) on delete cascade
);

comment on table public.session_registrations is
    'Seats that ticket holders took in sessions of their event.';

-- The identity column's sequence is an object of its own to default privileges.
revoke all on sequence public.waitlist_entries_position_seq
    from public, anon, authenticated, service_role;

revoke all on table
    public.ticket_reservations,
    public.attendees,
    public.tickets,
    public.promo_code_redemptions,
    public.check_ins,
    public.waitlist_entries,
    public.session_registrations
from public, anon, authenticated, service_role;
