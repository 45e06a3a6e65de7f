-- Campaigns, whom they address, what they send, and which orders they brought.

create table public.audience_segments (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    description text
        check (char_length(description) <= 2000),
    rules jsonb not null default '{}'
        check (jsonb_typeof(rules) = 'object'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint audience_segments_tenant_key unique (organization_id, id),
    constraint audience_segments_name_key unique (organization_id, name),
    constraint audience_segments_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.audience_segments is
    'Groups of buyers and attendees that campaigns address.';
comment on column public.audience_segments.rules is
    'What makes somebody part of it, as an object that the application evaluates.';

create table public.email_templates (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    locale text not null default 'en'
        check (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    subject text not null
        check (btrim(subject) <> '' and char_length(subject) <= 500),
    body text not null
        check (btrim(body) <> '' and char_length(body) <= 200000),
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint email_templates_tenant_key unique (organization_id, id),
    constraint email_templates_name_key unique (organization_id, name, locale),
    constraint email_templates_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.email_templates is
    'Texts of e-mails, one row per name and language.';
comment on column public.email_templates.body is
    'HTML with placeholders, which the sender fills in and escapes.';
comment on column public.email_templates.locale is
    'BCP 47 language tag.';

create table public.campaigns (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid,
    segment_id uuid,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    channel text not null
        check (channel in (
            'email', 'sms', 'social', 'search', 'display', 'partner', 'print', 'other'
        )),
    status text not null default 'draft'
        check (status in ('draft', 'scheduled', 'active', 'paused', 'completed', 'cancelled')),
    budget_cents bigint not null default 0
        check (budget_cents >= 0),
    spent_cents bigint not null default 0
        check (spent_cents >= 0),
    currency text not null default 'USD'
        check (currency ~ '^[A-Z]{3}$'),
    starts_at timestamptz,
    ends_at timestamptz,
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint campaigns_tenant_key unique (organization_id, id),
    constraint campaigns_name_key unique (organization_id, name),
    constraint campaigns_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint campaigns_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id),
    constraint campaigns_segment_fkey foreign key (segment_id, organization_id)
        references public.audience_segments (id, organization_id),
    constraint campaigns_creator_fkey foreign key (created_by)
        references public.profiles (id) on delete set null,
    constraint campaigns_dates_check check (ends_at > starts_at),
    constraint campaigns_schedule_check check (status <> 'scheduled' or starts_at is not null)
);

comment on table public.campaigns is
    'Marketing for an event, or for the tenant as a whole.';
comment on column public.campaigns.event_id is
    'Null: for no event in particular.';
comment on column public.campaigns.budget_cents is
    'What may be spent, in the currency''s minor unit; spent_cents is what was.';

create table public.email_sends (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    campaign_id uuid,
    template_id uuid,
    recipient extensions.citext not null
        check (recipient::text ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:].]+$'
            and char_length(recipient::text) <= 320),
    status text not null default 'queued'
        check (status in (
            'queued', 'sent', 'delivered', 'opened', 'clicked', 'bounced', 'complained',
            'failed'
        )),
    provider_ref text
        check (btrim(provider_ref) <> '' and char_length(provider_ref) <= 255),
    error text
        check (char_length(error) <= 10000),
    sent_at timestamptz,
    opened_at timestamptz,
    clicked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint email_sends_tenant_key unique (organization_id, id),
    -- Nobody gets the same e-mail of one campaign twice.
    constraint email_sends_recipient_key
        unique (campaign_id, organization_id, template_id, recipient),
    constraint email_sends_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint email_sends_campaign_fkey foreign key (campaign_id, organization_id)
        references public.campaigns (id, organization_id) on delete cascade,
    constraint email_sends_template_fkey foreign key (template_id, organization_id)
        references public.email_templates (id, organization_id),
    constraint email_sends_opened_check check (opened_at is null or sent_at is not null),
    constraint email_sends_clicked_check check (clicked_at is null or sent_at is not null)
);

comment on table public.email_sends is
    'E-mails, one row per recipient; written by the server as the provider reports.';
comment on column public.email_sends.campaign_id is
    'Null: not marketing, such as a receipt.';
comment on column public.email_sends.provider_ref is
    'The provider''s id of the message.';

create table public.social_posts (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    campaign_id uuid,
    network text not null
        check (network in (
            'facebook', 'instagram', 'linkedin', 'x', 'tiktok', 'youtube', 'mastodon', 'bluesky'
        )),
    body text not null
        check (btrim(body) <> '' and char_length(body) <= 10000),
    media_url text
        check (media_url ~ '^https?://' and char_length(media_url) <= 2048),
    status text not null default 'draft'
        check (status in ('draft', 'scheduled', 'published', 'failed', 'cancelled')),
    scheduled_at timestamptz,
    published_at timestamptz,
    external_ref text
        check (btrim(external_ref) <> '' and char_length(external_ref) <= 255),
    error text
        check (char_length(error) <= 10000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint social_posts_tenant_key unique (organization_id, id),
    constraint social_posts_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint social_posts_campaign_fkey foreign key (campaign_id, organization_id)
        references public.campaigns (id, organization_id) on delete cascade,
    constraint social_posts_schedule_check
        check (status <> 'scheduled' or scheduled_at is not null),
    constraint social_posts_published_check
        check (status <> 'published' or published_at is not null)
);

comment on table public.social_posts is
    'Posts on social networks, before and after they are out.';
comment on column public.social_posts.external_ref is
    'The network''s id of the post.';

create table public.marketing_attributions (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    order_id uuid not null,
    campaign_id uuid,
    model text not null default 'last_touch'
        check (model in ('first_touch', 'last_touch', 'linear')),
    weight_bps integer not null default 10000
        check (weight_bps between 1 and 10000),
    utm_source text
        check (char_length(utm_source) <= 200),
    utm_medium text
        check (char_length(utm_medium) <= 200),
    utm_campaign text
        check (char_length(utm_campaign) <= 200),
    utm_term text
        check (char_length(utm_term) <= 200),
    utm_content text
        check (char_length(utm_content) <= 200),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint marketing_attributions_tenant_key unique (organization_id, id),
    constraint marketing_attributions_order_key
        unique (order_id, organization_id, model, campaign_id),
    constraint marketing_attributions_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint marketing_attributions_order_fkey foreign key (order_id, organization_id)
        references public.orders (id, organization_id) on delete cascade,
    constraint marketing_attributions_campaign_fkey foreign key (campaign_id, organization_id)
        references public.campaigns (id, organization_id) on delete cascade
);

comment on table public.marketing_attributions is
    'Which campaign an order is credited to; written by the server.';
comment on column public.marketing_attributions.campaign_id is
    'Null: only the utm parameters are known.';
comment on column public.marketing_attributions.weight_bps is
    'Share of the order, in hundredths of a percent: 10000 is all of it.';

revoke all on table
    public.audience_segments,
    public.email_templates,
    public.campaigns,
    public.email_sends,
    public.social_posts,
    public.marketing_attributions
from public, anon, authenticated, service_role;
