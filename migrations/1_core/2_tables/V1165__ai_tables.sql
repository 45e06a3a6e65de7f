-- Language models and what they are used for. Their prices are fractions of a cent:
-- cost_micros is in millionths of the currency's major unit (10,000 is one cent).

create table public.ai_agents (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 200),
    kind text not null
        check (kind in (
            'assistant', 'content', 'pricing', 'recommendation', 'forecast', 'support'
        )),
    model text not null
        check (btrim(model) <> '' and char_length(model) <= 100),
    instructions text
        check (char_length(instructions) <= 50000),
    config jsonb not null default '{}'
        check (jsonb_typeof(config) = 'object'),
    status text not null default 'active'
        check (status in ('active', 'paused', 'retired')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ai_agents_tenant_key unique (organization_id, id),
    constraint ai_agents_name_key unique (organization_id, name),
    constraint ai_agents_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.ai_agents is
    'A model with a purpose. One that was talked to cannot be deleted; retire it.';
comment on column public.ai_agents.config is
    'Parameters of the model; keys of its provider are no business of this table.';

create table public.ai_conversations (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    agent_id uuid not null,
    user_id uuid not null,
    title text
        check (char_length(title) <= 200),
    status text not null default 'open'
        check (status in ('open', 'closed')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ai_conversations_tenant_key unique (organization_id, id),
    -- What a message refers to: the account comes along, so that they cannot disagree.
    constraint ai_conversations_id_user_key unique (id, organization_id, user_id),
    constraint ai_conversations_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint ai_conversations_agent_fkey foreign key (agent_id, organization_id)
        references public.ai_agents (id, organization_id),
    constraint ai_conversations_member_fkey foreign key (user_id, organization_id)
        references public.organization_members (user_id, organization_id) on delete cascade
);

comment on table public.ai_conversations is
    'Talks of one member with one agent; nobody else reads them, and they leave with the member.';

create table public.ai_messages (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    conversation_id uuid not null,
    user_id uuid not null,
    role text not null
        check (role in ('system', 'user', 'assistant', 'tool')),
    content text not null
        check (char_length(content) <= 200000),
    tokens integer not null default 0
        check (tokens >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ai_messages_tenant_key unique (organization_id, id),
    constraint ai_messages_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint ai_messages_conversation_fkey
        foreign key (conversation_id, organization_id, user_id)
        references public.ai_conversations (id, organization_id, user_id) on delete cascade
);

comment on table public.ai_messages is
    'What was said in a conversation, oldest first.';
comment on column public.ai_messages.user_id is
    'Whose conversation it is, whoever speaks; it follows from the conversation.';

create table public.content_generations (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid,
    agent_id uuid,
    kind text not null
        check (kind in (
            'event_description', 'agenda', 'email', 'social_post', 'press_release',
            'sponsor_pitch', 'other'
        )),
    prompt text not null
        check (btrim(prompt) <> '' and char_length(prompt) <= 50000),
    output text
        check (char_length(output) <= 200000),
    model text
        check (btrim(model) <> '' and char_length(model) <= 100),
    status text not null default 'pending'
        check (status in ('pending', 'completed', 'failed', 'approved', 'rejected')),
    error text
        check (char_length(error) <= 10000),
    input_tokens integer not null default 0
        check (input_tokens >= 0),
    output_tokens integer not null default 0
        check (output_tokens >= 0),
    cost_micros bigint not null default 0
        check (cost_micros >= 0),
    currency text not null default 'USD'
        check (currency ~ '^[A-Z]{3}$'),
    created_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint content_generations_tenant_key unique (organization_id, id),
    constraint content_generations_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint content_generations_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint content_generations_agent_fkey foreign key (agent_id, organization_id)
        references public.ai_agents (id, organization_id),
    constraint content_generations_creator_fkey foreign key (created_by)
        references public.profiles (id) on delete set null,
    constraint content_generations_answer_check
        check (status not in ('completed', 'approved') or output is not null)
);

comment on table public.content_generations is
    'Texts that a model wrote on request, with what they cost.';
comment on column public.content_generations.status is
    'completed: the model has answered; approved or rejected: a person has decided.';
comment on column public.content_generations.cost_micros is
    'Millionths of the currency''s major unit: 10,000 is one cent.';

create table public.ai_predictions (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid,
    model text not null
        check (btrim(model) <> '' and char_length(model) <= 100),
    subject_type text not null
        check (subject_type in ('organization', 'event', 'ticket_category', 'deal', 'campaign')),
    subject_id uuid not null,
    metric text not null
        check (metric ~ '^[a-z][a-z0-9_]{0,62}$'),
    value numeric(20, 4) not null,
    confidence numeric(5, 4)
        check (confidence between 0 and 1),
    predicted_for timestamptz,
    inputs jsonb not null default '{}'
        check (jsonb_typeof(inputs) = 'object'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ai_predictions_tenant_key unique (organization_id, id),
    constraint ai_predictions_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade,
    constraint ai_predictions_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id) on delete cascade,
    constraint ai_predictions_event_check
        check (subject_type <> 'event' or event_id = subject_id),
    constraint ai_predictions_organization_check
        check (subject_type <> 'organization' or organization_id = subject_id)
);

comment on table public.ai_predictions is
    'Forecasts; written by the server, never corrected: a newer one is another row.';
comment on column public.ai_predictions.event_id is
    'The event that it concerns, and with which it goes; null: none.';
comment on column public.ai_predictions.subject_id is
    'The row that is predicted about; subject_type says of which table. No foreign key: a forecast outlives it.';
comment on column public.ai_predictions.metric is
    'What is predicted: a KPI''s key, or a quantity of the model''s own.';
comment on column public.ai_predictions.confidence is
    'From 0 to 1; null: the model gives none.';

revoke all on table
    public.ai_agents,
    public.ai_conversations,
    public.ai_messages,
    public.content_generations,
    public.ai_predictions
from public, anon, authenticated, service_role;
