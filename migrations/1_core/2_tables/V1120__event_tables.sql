-- Events and what belongs to one: programme, people, history, suppliers.
-- session_registrations refer to tickets and follow with them.

create table public.event_categories (
    id uuid primary key default gen_random_uuid(),
    key text not null
        check (key ~ '^[a-z][a-z0-9_]{0,62}$'),
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 100),
    description text
        check (char_length(description) <= 1000),
    sort_order integer not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint event_categories_key_key unique (key)
);

comment on table public.event_categories is
    'Kinds of events, the same for every tenant; reference data, maintained by migrations.';
comment on column public.event_categories.is_active is
    'False: kept for old events, not offered for new ones.';

create table public.event_series (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    description text
        check (char_length(description) <= 10000),
    rrule text
        check (rrule ~ '^FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;[A-Z]+=[A-Z0-9,+-]+)*$'),
    timezone text not null default 'UTC'
        check (timezone ~ '^[A-Za-z][A-Za-z0-9_+/-]*$'),
    starts_on date,
    ends_on date,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint event_series_tenant_key unique (organization_id, id),
    constraint event_series_name_key unique (organization_id, name),
    constraint event_series_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint event_series_dates_check check (ends_on >= starts_on)
);

comment on table public.event_series is
    'Events that repeat, or that belong together.';
comment on column public.event_series.rrule is
    'Recurrence as an RFC 5545 rule without the RRULE: prefix; null: irregular.';

create table public.events (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    slug text
        check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) <= 100),
    description text
        check (char_length(description) <= 50000),
    start_date timestamptz not null,
    end_date timestamptz not null,
    timezone text not null default 'UTC'
        check (timezone ~ '^[A-Za-z][A-Za-z0-9_+/-]*$'),
    status text not null default 'planning'
        check (status in (
            'draft', 'planning', 'confirmed', 'live', 'completed', 'cancelled', 'postponed'
        )),
    visibility text not null default 'private'
        check (visibility in ('private', 'unlisted', 'public')),
    is_public boolean not null generated always as (
        visibility = 'public' and status not in ('draft', 'planning')
    ) stored,
    capacity integer
        check (capacity > 0),
    currency text not null default 'USD'
        check (currency ~ '^[A-Z]{3}$'),
    venue_id uuid,
    category_id uuid,
    series_id uuid,
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint events_tenant_key unique (organization_id, id),
    constraint events_slug_key unique (organization_id, slug),
    constraint events_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint events_venue_fkey foreign key (venue_id, organization_id)
        references public.venues (id, organization_id),
    constraint events_category_fkey foreign key (category_id)
        references public.event_categories (id),
    constraint events_series_fkey foreign key (series_id, organization_id)
        references public.event_series (id, organization_id),
    constraint events_creator_fkey foreign key (created_by)
        references public.profiles (id) on delete set null,
    constraint events_dates_check check (end_date > start_date)
);

comment on table public.events is
    'What the platform is about. A name, a tenant and two dates make an event.';
comment on column public.events.slug is
    'Name in URLs, unique within the tenant.';
comment on column public.events.timezone is
    'IANA zone in which the dates are shown; the dates themselves are instants.';
comment on column public.events.visibility is
    'private: members only; unlisted: by link, through the API; public: listed.';
comment on column public.events.is_public is
    'The one definition of "anyone may see it", which policies and indexes share.';
comment on column public.events.capacity is
    'People admitted over all ticket categories; null: no limit of its own.';

create table public.event_team_members (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    user_id uuid not null,
    role text not null default 'coordinator'
        check (role in ('lead', 'coordinator', 'technician', 'security', 'volunteer')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint event_team_members_tenant_key unique (organization_id, id),
    constraint event_team_members_event_user_key unique (event_id, organization_id, user_id),
    constraint event_team_members_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint event_team_members_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint event_team_members_member_fkey foreign key (user_id, organization_id)
        references public.organization_members (user_id, organization_id) on delete cascade
);

comment on table public.event_team_members is
    'Members of the tenant who work on an event.';

create table public.event_sessions (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    space_id uuid,
    title text not null
        check (btrim(title) <> '' and char_length(title) <= 200),
    description text
        check (char_length(description) <= 10000),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    capacity integer
        check (capacity > 0),
    status text not null default 'draft'
        check (status in ('draft', 'scheduled', 'live', 'completed', 'cancelled')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint event_sessions_tenant_key unique (organization_id, id),
    constraint event_sessions_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint event_sessions_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint event_sessions_space_fkey foreign key (space_id, organization_id)
        references public.venue_spaces (id, organization_id),
    constraint event_sessions_dates_check check (ends_at > starts_at),
    -- Drafts may overlap while the programme is being made; what is scheduled may not.
    constraint event_sessions_space_overlap_excl exclude using gist (
        space_id with =,
        tstzrange(starts_at, ends_at) with &&
    ) where (space_id is not null and status in ('scheduled', 'live'))
);

comment on table public.event_sessions is
    'Items of an event''s programme. Two scheduled ones never share a space at the same time.';

create table public.speakers (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    headline text
        check (char_length(headline) <= 200),
    bio text
        check (char_length(bio) <= 10000),
    photo_url text
        check (photo_url ~ '^https?://' and char_length(photo_url) <= 2048),
    website_url text
        check (website_url ~ '^https?://' and char_length(website_url) <= 2048),
    is_published boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint speakers_tenant_key unique (organization_id, id),
    constraint speakers_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.speakers is
    'People on stage. Only what may be shown to anyone stands here: no contact details.';
comment on column public.speakers.is_published is
    'True: anyone may see the speaker.';

create table public.session_speakers (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    session_id uuid not null,
    speaker_id uuid not null,
    role text not null default 'speaker'
        check (role in ('speaker', 'moderator', 'panelist', 'host')),
    sort_order integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint session_speakers_tenant_key unique (organization_id, id),
    constraint session_speakers_session_speaker_key
        unique (session_id, organization_id, speaker_id),
    constraint session_speakers_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint session_speakers_session_fkey foreign key (session_id, organization_id)
        references public.event_sessions (id, organization_id) on delete cascade,
    constraint session_speakers_speaker_fkey foreign key (speaker_id, organization_id)
        references public.speakers (id, organization_id) on delete cascade
);

comment on table public.session_speakers is
    'Who appears in which session, and as what.';

create table public.event_status_history (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    from_status text
        check (from_status in (
            'draft', 'planning', 'confirmed', 'live', 'completed', 'cancelled', 'postponed'
        )),
    to_status text not null
        check (to_status in (
            'draft', 'planning', 'confirmed', 'live', 'completed', 'cancelled', 'postponed'
        )),
    reason text
        check (char_length(reason) <= 2000),
    actor_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint event_status_history_tenant_key unique (organization_id, id),
    constraint event_status_history_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint event_status_history_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint event_status_history_actor_fkey foreign key (actor_id)
        references public.profiles (id) on delete set null,
    constraint event_status_history_change_check check (from_status is distinct from to_status)
);

comment on table public.event_status_history is
    'Each change of an event''s status; written by the server, created_at is when.';
comment on column public.event_status_history.from_status is
    'Null: the event was made with to_status.';

create table public.event_templates (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    description text
        check (char_length(description) <= 2000),
    blueprint jsonb not null default '{}'
        check (jsonb_typeof(blueprint) = 'object'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint event_templates_tenant_key unique (organization_id, id),
    constraint event_templates_name_key unique (organization_id, name),
    constraint event_templates_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.event_templates is
    'Blueprints from which new events are made.';
comment on column public.event_templates.blueprint is
    'Field values, sessions and ticket categories of the event to make, as one object.';

create table public.event_vendors (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    vendor_id uuid not null,
    service text
        check (btrim(service) <> '' and char_length(service) <= 200),
    cost_cents bigint not null default 0
        check (cost_cents >= 0),
    currency text not null default 'USD'
        check (currency ~ '^[A-Z]{3}$'),
    status text not null default 'requested'
        check (status in ('requested', 'quoted', 'booked', 'delivered', 'cancelled')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint event_vendors_tenant_key unique (organization_id, id),
    constraint event_vendors_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint event_vendors_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint event_vendors_vendor_fkey foreign key (vendor_id, organization_id)
        references public.vendors (id, organization_id)
);

comment on table public.event_vendors is
    'A vendor''s work for an event. A vendor with work on record cannot be deleted; set it inactive.';
comment on column public.event_vendors.cost_cents is
    'Agreed price in the currency''s minor unit.';

revoke all on table
    public.event_categories,
    public.event_series,
    public.events,
    public.event_team_members,
    public.event_sessions,
    public.speakers,
    public.session_speakers,
    public.event_status_history,
    public.event_templates,
    public.event_vendors
from public, anon, authenticated, service_role;
