-- Venues and suppliers. What links a vendor to an event follows with the events.

create table public.venues (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    description text
        check (char_length(description) <= 10000),
    address_line1 text
        check (char_length(address_line1) <= 200),
    address_line2 text
        check (char_length(address_line2) <= 200),
    city text
        check (char_length(city) <= 100),
    region text
        check (char_length(region) <= 100),
    postal_code text
        check (char_length(postal_code) <= 20),
    country_code text
        check (country_code ~ '^[A-Z]{2}$'),
    latitude numeric(9, 6)
        check (latitude between -90 and 90),
    longitude numeric(9, 6)
        check (longitude between -180 and 180),
    timezone text not null default 'UTC'
        check (timezone ~ '^[A-Za-z][A-Za-z0-9_+/-]*$'),
    capacity integer
        check (capacity > 0),
    is_published boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint venues_tenant_key unique (organization_id, id),
    constraint venues_name_key unique (organization_id, name),
    constraint venues_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint venues_position_check check ((latitude is null) = (longitude is null))
);

comment on table public.venues is
    'Places where events happen.';
comment on column public.venues.country_code is
    'ISO 3166-1 alpha-2.';
comment on column public.venues.latitude is
    'Degrees, WGS 84; given together with longitude or not at all.';
comment on column public.venues.capacity is
    'People the place may hold; null: not known.';
comment on column public.venues.is_published is
    'True: anyone may see the venue and its spaces.';

create table public.venue_spaces (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    venue_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    capacity integer
        check (capacity > 0),
    floor text
        check (char_length(floor) <= 50),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint venue_spaces_tenant_key unique (organization_id, id),
    constraint venue_spaces_name_key unique (venue_id, organization_id, name),
    constraint venue_spaces_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint venue_spaces_venue_fkey foreign key (venue_id, organization_id)
        references public.venues (id, organization_id) on delete cascade
);

comment on table public.venue_spaces is
    'Rooms, halls and stages of a venue: what a session is booked into.';

create table public.vendors (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    category text not null default 'other'
        check (category in (
            'catering', 'audio_visual', 'decoration', 'security', 'staffing',
            'transport', 'photography', 'entertainment', 'printing', 'other'
        )),
    contact_name text
        check (char_length(contact_name) <= 200),
    contact_email extensions.citext
        check (contact_email::text ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
            and char_length(contact_email::text) <= 320),
    contact_phone text
        check (char_length(contact_phone) <= 40),
    status text not null default 'active'
        check (status in ('active', 'inactive', 'blocked')),
    notes text
        check (char_length(notes) <= 10000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint vendors_tenant_key unique (organization_id, id),
    constraint vendors_name_key unique (organization_id, name),
    constraint vendors_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.vendors is
    'Suppliers of services for events.';

revoke all on table
    public.venues,
    public.venue_spaces,
    public.vendors
from public, anon, authenticated, service_role;
