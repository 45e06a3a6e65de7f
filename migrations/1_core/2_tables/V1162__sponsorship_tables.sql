-- Sponsors, what they are offered, and the deals that come of it. A deal is a record of
-- money: it outlives its tenant, event and sponsor (NO ACTION).

create table public.sponsors (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    industry text
        check (char_length(industry) <= 100),
    website_url text
        check (website_url ~ '^https?://' and char_length(website_url) <= 2048),
    logo_url text
        check (logo_url ~ '^https?://' and char_length(logo_url) <= 2048),
    status text not null default 'prospect'
        check (status in ('prospect', 'active', 'former', 'blocked')),
    notes text
        check (char_length(notes) <= 10000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint sponsors_tenant_key unique (organization_id, id),
    constraint sponsors_name_key unique (organization_id, name),
    constraint sponsors_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.sponsors is
    'Companies that sponsor a tenant''s events, or may come to.';

create table public.sponsor_contacts (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    sponsor_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    title text
        check (char_length(title) <= 100),
    email extensions.citext
        check (email::text ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
            and char_length(email::text) <= 320),
    phone text
        check (char_length(phone) <= 40),
    is_primary boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint sponsor_contacts_tenant_key unique (organization_id, id),
    constraint sponsor_contacts_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint sponsor_contacts_sponsor_fkey foreign key (sponsor_id, organization_id)
        references public.sponsors (id, organization_id) on delete cascade
);

comment on table public.sponsor_contacts is
    'People to talk to at a sponsor.';
comment on column public.sponsor_contacts.is_primary is
    'The one to write to first; at most one per sponsor.';

create table public.sponsor_packages (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    tier text not null
        check (tier in ('title', 'platinum', 'gold', 'silver', 'bronze', 'partner')),
    description text
        check (char_length(description) <= 10000),
    benefits jsonb not null default '[]'
        check (jsonb_typeof(benefits) = 'array'),
    price_cents bigint not null
        check (price_cents >= 0),
    currency text not null default 'USD'
        check (currency ~ '^[A-Z]{3}$'),
    slots integer not null default 1
        check (slots > 0),
    taken integer not null default 0
        check (taken >= 0),
    is_published boolean not null default false,
    sort_order integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint sponsor_packages_tenant_key unique (organization_id, id),
    constraint sponsor_packages_name_key unique (event_id, organization_id, name),
    -- What a deal refers to: the event comes along, so that they cannot disagree.
    constraint sponsor_packages_id_event_key unique (id, organization_id, event_id),
    constraint sponsor_packages_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint sponsor_packages_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint sponsor_packages_taken_slots_check check (taken <= slots)
);

comment on table public.sponsor_packages is
    'What an event offers to sponsors, at which price and how often.';
comment on column public.sponsor_packages.benefits is
    'List of what the sponsor gets, in the order shown.';
comment on column public.sponsor_packages.taken is
    'Slots held by deals that were won; kept by the server.';
comment on column public.sponsor_packages.is_published is
    'True: anyone may see the package of a public event.';

create table public.deals (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    sponsor_id uuid not null,
    package_id uuid,
    title text not null
        check (btrim(title) <> '' and char_length(title) <= 200),
    stage text not null default 'lead'
        check (stage in ('lead', 'qualified', 'proposal', 'negotiation', 'won', 'lost')),
    amount_cents bigint not null default 0
        check (amount_cents >= 0),
    currency text not null default 'USD'
        check (currency ~ '^[A-Z]{3}$'),
    probability integer not null default 10
        check (probability between 0 and 100),
    close_date date,
    closed_at timestamptz,
    lost_reason text
        check (char_length(lost_reason) <= 2000),
    owner_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint deals_tenant_key unique (organization_id, id),
    constraint deals_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint deals_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id),
    constraint deals_sponsor_fkey foreign key (sponsor_id, organization_id)
        references public.sponsors (id, organization_id),
    constraint deals_package_fkey foreign key (package_id, organization_id, event_id)
        references public.sponsor_packages (id, organization_id, event_id),
    constraint deals_owner_fkey foreign key (owner_id, organization_id)
        references public.organization_members (user_id, organization_id),
    constraint deals_closed_check check (closed_at is null or stage in ('won', 'lost')),
    constraint deals_lost_check check (lost_reason is null or stage = 'lost')
);

comment on table public.deals is
    'Sponsorships under negotiation, won or lost: the pipeline.';
comment on column public.deals.package_id is
    'The package that it is about, one of the same event; null: negotiated freely.';
comment on column public.deals.amount_cents is
    'What the sponsor pays, in the currency''s minor unit.';
comment on column public.deals.probability is
    'Percent; weights the amount in forecasts while the deal is open.';
comment on column public.deals.close_date is
    'When the decision is expected.';
comment on column public.deals.closed_at is
    'When it was won or lost; null while open.';
comment on column public.deals.owner_id is
    'The member who leads the negotiation; null: nobody, or he left.';

create table public.deal_stage_history (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    deal_id uuid not null,
    from_stage text
        check (from_stage in ('lead', 'qualified', 'proposal', 'negotiation', 'won', 'lost')),
    to_stage text not null
        check (to_stage in ('lead', 'qualified', 'proposal', 'negotiation', 'won', 'lost')),
    reason text
        check (char_length(reason) <= 2000),
    actor_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint deal_stage_history_tenant_key unique (organization_id, id),
    constraint deal_stage_history_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint deal_stage_history_deal_fkey foreign key (deal_id, organization_id)
        references public.deals (id, organization_id) on delete cascade,
    constraint deal_stage_history_actor_fkey foreign key (actor_id)
        references public.profiles (id) on delete set null,
    constraint deal_stage_history_change_check check (from_stage is distinct from to_stage)
);

comment on table public.deal_stage_history is
    'Each change of a deal''s stage; written by the server, created_at is when.';
comment on column public.deal_stage_history.from_stage is
    'Null: the deal was made with to_stage.';

create table public.deliverables (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    deal_id uuid not null,
    title text not null
        check (btrim(title) <> '' and char_length(title) <= 200),
    description text
        check (char_length(description) <= 10000),
    status text not null default 'pending'
        check (status in ('pending', 'in_progress', 'delivered', 'accepted', 'cancelled')),
    due_on date,
    delivered_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint deliverables_tenant_key unique (organization_id, id),
    constraint deliverables_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint deliverables_deal_fkey foreign key (deal_id, organization_id)
        references public.deals (id, organization_id) on delete cascade,
    constraint deliverables_delivered_check
        check (delivered_at is null or status in ('delivered', 'accepted'))
);

comment on table public.deliverables is
    'What was promised to the sponsor of a deal: logo placements, talks, reports.';

-- Invoices are older than deals; this half had to wait.
alter table public.invoices
    add column deal_id uuid,
    add constraint invoices_deal_fkey foreign key (deal_id, organization_id)
        references public.deals (id, organization_id),
    add constraint invoices_subject_check check (order_id is null or deal_id is null);

comment on column public.invoices.deal_id is
    'The deal it bills; an invoice bills an order, a deal, or something else.';

revoke all on table
    public.sponsors,
    public.sponsor_contacts,
    public.sponsor_packages,
    public.deals,
    public.deal_stage_history,
    public.deliverables
from public, anon, authenticated, service_role;
