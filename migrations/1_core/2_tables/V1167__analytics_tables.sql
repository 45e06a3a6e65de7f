-- What happened, what it amounts to, and what attendees think of it.

create table public.analytics_events (
    id uuid not null default gen_random_uuid(),
    occurred_at timestamptz not null default now(),
    organization_id uuid not null,
    event_id uuid,
    name text not null
        check (name ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*$' and char_length(name) <= 100),
    user_id uuid,
    session_key text
        check (btrim(session_key) <> '' and char_length(session_key) <= 100),
    props jsonb not null default '{}'
        check (jsonb_typeof(props) = 'object'),
    constraint analytics_events_pkey primary key (occurred_at, id),
    constraint analytics_events_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint analytics_events_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade
) partition by range (occurred_at);

comment on table public.analytics_events is
    'What visitors did; written by the server, never changed. One partition per month (UTC), so that retention drops a partition.';
comment on column public.analytics_events.event_id is
    'The event that it concerns (a row of events); null: none.';
comment on column public.analytics_events.name is
    'What happened: page_view, checkout_started, checkout.abandoned.';
comment on column public.analytics_events.user_id is
    'The account, where known. No foreign key: figures of the past stay when it goes.';
comment on column public.analytics_events.session_key is
    'Pseudonym of one visit, drawn at random; not the auth session.';
comment on column public.analytics_events.props is
    'Details, without personal data.';

create table app_private.analytics_events_default
    partition of public.analytics_events default;

comment on table app_private.analytics_events_default is
    'Rows of months that have no partition of their own yet: nothing is ever refused.';

alter table app_private.analytics_events_default enable row level security;

insert into app_private.partitioned_tables (table_name, months_ahead, retention_months)
values ('analytics_events', 6, 24);

-- A fixed range, as for audit_log.
select app_private.ensure_month_partitions('analytics_events', '2026-11-01', '2027-05-01');

create table public.kpi_definitions (
    key text not null
        check (key ~ '^[a-z][a-z0-9_]{0,62}$'),
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 100),
    unit text not null
        check (unit in ('cents', 'count', 'ratio', 'per_hour', 'score')),
    description text not null
        check (btrim(description) <> '' and char_length(description) <= 1000),
    higher_is_better boolean,
    is_financial boolean not null default false,
    sort_order integer not null default 0,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint kpi_definitions_pkey primary key (key)
);

comment on table public.kpi_definitions is
    'The key figures, the same for every tenant; reference data, maintained by migrations.';
comment on column public.kpi_definitions.unit is
    'cents: the currency''s minor unit; ratio: 1 is 100 %; score: -100 to 100.';
comment on column public.kpi_definitions.higher_is_better is
    'Which way is good; null: neither.';
comment on column public.kpi_definitions.is_financial is
    'True: made from tables that only the finance roles read, and so are its snapshots.';

create table public.kpi_snapshots (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid,
    scope_id uuid not null generated always as (coalesce(event_id, organization_id)) stored,
    kpi_key text not null,
    grain text not null
        check (grain in ('day', 'week', 'month', 'quarter', 'year', 'all')),
    period_start date not null,
    value numeric(20, 4),
    currency text
        check (currency ~ '^[A-Z]{3}$'),
    computed_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint kpi_snapshots_tenant_key unique (organization_id, id),
    -- One key for both scopes: a null event would make every row unique.
    constraint kpi_snapshots_period_key
        unique (organization_id, scope_id, kpi_key, grain, period_start),
    constraint kpi_snapshots_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint kpi_snapshots_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint kpi_snapshots_kpi_fkey foreign key (kpi_key)
        references public.kpi_definitions (key),
    constraint kpi_snapshots_period_check check (
        case grain
            when 'week' then extract(isodow from period_start) = 1
            when 'month' then extract(day from period_start) = 1
            when 'quarter' then extract(day from period_start) = 1
                and extract(month from period_start) in (1, 4, 7, 10)
            when 'year' then extract(doy from period_start) = 1
            else true
        end
    )
);

comment on table public.kpi_snapshots is
    'A key figure of one period, for an event or for the whole tenant; written by the server.';
comment on column public.kpi_snapshots.event_id is
    'Null: the whole tenant.';
comment on column public.kpi_snapshots.scope_id is
    'The event, or the tenant where there is none: what the figure is of.';
comment on column public.kpi_snapshots.grain is
    'Length of the period; all: from the beginning up to computed_at.';
comment on column public.kpi_snapshots.period_start is
    'First day (UTC) of the period.';
comment on column public.kpi_snapshots.value is
    'In the definition''s unit; null: not defined, such as a ratio of nothing.';
comment on column public.kpi_snapshots.currency is
    'Of amounts: the currency, the only one that the figure counts.';

create table public.dashboards (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    description text
        check (char_length(description) <= 2000),
    layout jsonb not null default '{}'
        check (jsonb_typeof(layout) = 'object'),
    is_default boolean not null default false,
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint dashboards_tenant_key unique (organization_id, id),
    constraint dashboards_name_key unique (organization_id, name),
    constraint dashboards_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint dashboards_creator_fkey foreign key (created_by)
        references public.profiles (id) on delete set null
);

comment on table public.dashboards is
    'Arrangements of key figures on a page, shared within the tenant.';
comment on column public.dashboards.layout is
    'Which figures stand where, as an object that the application draws.';
comment on column public.dashboards.is_default is
    'The one that is shown first; at most one per tenant.';

create table public.survey_responses (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    survey_id uuid not null,
    ticket_id uuid,
    user_id uuid,
    answers jsonb not null default '{}'
        check (jsonb_typeof(answers) = 'object'),
    nps integer
        check (nps between 0 and 10),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint survey_responses_tenant_key unique (organization_id, id),
    -- One answer per ticket; anonymous ones, which the server takes in, have none.
    constraint survey_responses_ticket_key unique (survey_id, organization_id, ticket_id),
    constraint survey_responses_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint survey_responses_survey_fkey foreign key (survey_id, organization_id)
        references public.surveys (id, organization_id) on delete cascade,
    constraint survey_responses_ticket_fkey foreign key (ticket_id, organization_id)
        references public.tickets (id, organization_id),
    constraint survey_responses_user_fkey foreign key (user_id)
        references public.profiles (id) on delete set null
);

comment on table public.survey_responses is
    'Answers to a survey.';
comment on column public.survey_responses.ticket_id is
    'The ticket that entitled to the answer; null: anonymous.';
comment on column public.survey_responses.answers is
    'Question''s key -> answer.';
comment on column public.survey_responses.nps is
    'How likely a recommendation is, from 0 to 10: the net promoter score''s input.';

revoke all on table
    public.analytics_events,
    app_private.analytics_events_default,
    public.kpi_definitions,
    public.kpi_snapshots,
    public.dashboards,
    public.survey_responses
from public, anon, authenticated, service_role;
