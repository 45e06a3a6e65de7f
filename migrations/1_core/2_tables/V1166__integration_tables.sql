-- Other systems, files in object storage, and surveys. No secret is stored here: a
-- reference to the vault, or a hash.

create table public.integrations (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    provider text not null
        check (provider ~ '^[a-z][a-z0-9_]{0,62}$'),
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 100),
    status text not null default 'pending'
        check (status in ('pending', 'connected', 'error', 'disabled')),
    external_account text
        check (char_length(external_account) <= 255),
    secret_ref text
        check (secret_ref ~ '^[A-Za-z0-9_./:-]+$' and char_length(secret_ref) <= 255),
    config jsonb not null default '{}'
        check (jsonb_typeof(config) = 'object'),
    last_error text
        check (char_length(last_error) <= 10000),
    connected_at timestamptz,
    last_synced_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint integrations_tenant_key unique (organization_id, id),
    constraint integrations_name_key unique (organization_id, provider, name),
    constraint integrations_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.integrations is
    'Accounts of a tenant with other systems: payment, mail, CRM, social networks.';
comment on column public.integrations.secret_ref is
    'Where the vault keeps the credentials, never these themselves. For the server only: members have no grant on this column.';
comment on column public.integrations.config is
    'Settings that every member may see; nothing secret.';

create table public.webhook_endpoints (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    url text not null
        check (url ~ '^https://[^[:space:]]+$' and char_length(url) <= 2048),
    description text
        check (char_length(description) <= 1000),
    events text[] not null default '{}'
        check (array_position(events, null) is null),
    secret_hash text not null
        check (secret_hash ~ '^[0-9a-f]{64}$'),
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint webhook_endpoints_tenant_key unique (organization_id, id),
    constraint webhook_endpoints_url_key unique (organization_id, url),
    constraint webhook_endpoints_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.webhook_endpoints is
    'Where a tenant wants to be told what happens. Made by the server, which draws the secret and shows it once.';
comment on column public.webhook_endpoints.events is
    'Kinds of events that are sent (order.confirmed); empty: all.';
comment on column public.webhook_endpoints.secret_hash is
    'SHA-256 of the signing secret, in hex; the secret itself is in the vault. For the server only: members have no grant on this column.';

create table public.webhook_deliveries (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    endpoint_id uuid not null,
    event_type text not null
        check (btrim(event_type) <> '' and char_length(event_type) <= 100),
    event_key text not null
        check (btrim(event_key) <> '' and char_length(event_key) <= 200),
    payload jsonb not null,
    status text not null default 'pending'
        check (status in ('pending', 'delivered', 'failed', 'abandoned')),
    attempts integer not null default 0
        check (attempts >= 0),
    next_attempt_at timestamptz,
    http_status integer
        check (http_status between 100 and 599),
    last_error text
        check (char_length(last_error) <= 10000),
    delivered_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint webhook_deliveries_tenant_key unique (organization_id, id),
    constraint webhook_deliveries_event_key unique (endpoint_id, organization_id, event_key),
    constraint webhook_deliveries_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint webhook_deliveries_endpoint_fkey foreign key (endpoint_id, organization_id)
        references public.webhook_endpoints (id, organization_id) on delete cascade,
    constraint webhook_deliveries_delivered_check
        check ((status = 'delivered') = (delivered_at is not null))
);

comment on table public.webhook_deliveries is
    'Messages to webhook endpoints, with their fate; written by the server.';
comment on column public.webhook_deliveries.event_key is
    'Names what happened: each endpoint is told once.';
comment on column public.webhook_deliveries.status is
    'failed: will be tried again at next_attempt_at; abandoned: will not.';

create table public.files (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid,
    bucket text not null
        check (bucket ~ '^[a-z0-9][a-z0-9._-]{1,62}$'),
    path text not null
        check (char_length(path) <= 1024),
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 255),
    content_type text
        check (content_type ~ '^[a-z0-9.+-]+/[a-z0-9.+-]+$' and char_length(content_type) <= 127),
    size_bytes bigint
        check (size_bytes >= 0),
    owner_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint files_tenant_key unique (organization_id, id),
    constraint files_path_key unique (bucket, path),
    constraint files_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint files_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint files_owner_fkey foreign key (owner_id)
        references public.profiles (id) on delete set null,
    -- A tenant can name only its own objects, and cannot take a path from another one.
    constraint files_path_tenant_check check (
        starts_with(path, organization_id::text || '/')
        and path !~ '(^|/)[.]{1,2}(/|$)'
    )
);

comment on table public.files is
    'Objects in storage that belong to a tenant; the bytes are in the bucket.';
comment on column public.files.path is
    'Key within the bucket; it begins with the tenant''s id.';
comment on column public.files.owner_id is
    'Who uploaded it; null: the server, or the account is gone.';

create table public.surveys (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    title text not null
        check (btrim(title) <> '' and char_length(title) <= 200),
    description text
        check (char_length(description) <= 5000),
    questions jsonb not null default '[]'
        check (jsonb_typeof(questions) = 'array'),
    status text not null default 'draft'
        check (status in ('draft', 'open', 'closed')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint surveys_tenant_key unique (organization_id, id),
    constraint surveys_title_key unique (event_id, organization_id, title),
    constraint surveys_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint surveys_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade
);

comment on table public.surveys is
    'What attendees are asked about an event.';
comment on column public.surveys.questions is
    'List of objects, each with a key, a kind and a text.';
comment on column public.surveys.status is
    'open: holders of a ticket may answer; the survey of a public event is then public.';

revoke all on table
    public.integrations,
    public.webhook_endpoints,
    public.webhook_deliveries,
    public.files,
    public.surveys
from public, anon, authenticated, service_role;
