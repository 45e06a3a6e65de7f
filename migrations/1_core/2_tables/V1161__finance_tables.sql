-- What events are planned to cost and what they did cost. As with orders, a record of
-- money outlives its tenant and its event (NO ACTION).

create table public.budgets (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid not null,
    category text not null
        check (category in (
            'venue', 'catering', 'audio_visual', 'decoration', 'security', 'staffing',
            'transport', 'marketing', 'speakers', 'insurance', 'contingency', 'other'
        )),
    planned_cents bigint not null
        check (planned_cents >= 0),
    currency text not null default 'USD'
        check (currency ~ '^[A-Z]{3}$'),
    status text not null default 'draft'
        check (status in ('draft', 'approved', 'closed')),
    notes text
        check (char_length(notes) <= 10000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint budgets_tenant_key unique (organization_id, id),
    constraint budgets_category_key unique (event_id, organization_id, category),
    -- What an expense refers to: the event comes along, so that they cannot disagree.
    constraint budgets_id_event_key unique (id, organization_id, event_id),
    constraint budgets_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint budgets_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id)
);

comment on table public.budgets is
    'Planned costs of an event, one row per category.';
comment on column public.budgets.planned_cents is
    'In the currency''s minor unit; what was spent is the sum of the expenses.';

create table public.expenses (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    event_id uuid,
    budget_id uuid,
    vendor_id uuid,
    description text not null
        check (btrim(description) <> '' and char_length(description) <= 1000),
    amount_cents bigint not null
        check (amount_cents > 0),
    currency text not null default 'USD'
        check (currency ~ '^[A-Z]{3}$'),
    status text not null default 'draft'
        check (status in ('draft', 'submitted', 'approved', 'rejected', 'paid')),
    incurred_on date not null default current_date,
    submitted_by uuid,
    approved_by uuid,
    approved_at timestamptz,
    paid_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint expenses_tenant_key unique (organization_id, id),
    constraint expenses_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint expenses_event_fkey foreign key (event_id, organization_id)
        references public.events (id, organization_id),
    constraint expenses_budget_fkey foreign key (budget_id, organization_id, event_id)
        references public.budgets (id, organization_id, event_id),
    constraint expenses_vendor_fkey foreign key (vendor_id, organization_id)
        references public.vendors (id, organization_id),
    constraint expenses_submitter_fkey foreign key (submitted_by)
        references public.profiles (id) on delete set null,
    constraint expenses_approver_fkey foreign key (approved_by)
        references public.profiles (id) on delete set null,
    -- Without an event the three-column key to the budget would go unchecked.
    constraint expenses_budget_check check (budget_id is null or event_id is not null),
    constraint expenses_paid_check check (paid_at is null or status = 'paid')
);

comment on table public.expenses is
    'Costs that arose, of an event or of the tenant as a whole.';
comment on column public.expenses.event_id is
    'Null: overhead, which belongs to no event.';
comment on column public.expenses.budget_id is
    'The budget that it counts against; always one of the same event.';
comment on column public.expenses.amount_cents is
    'Gross, in the currency''s minor unit.';

create table public.financial_periods (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null
        check (btrim(name) <> '' and char_length(name) <= 100),
    starts_on date not null,
    ends_on date not null,
    closed_at timestamptz,
    closed_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint financial_periods_tenant_key unique (organization_id, id),
    constraint financial_periods_name_key unique (organization_id, name),
    constraint financial_periods_organization_fkey foreign key (organization_id)
        references public.organizations (id),
    constraint financial_periods_closer_fkey foreign key (closed_by)
        references public.profiles (id) on delete set null,
    constraint financial_periods_dates_check check (ends_on >= starts_on),
    constraint financial_periods_closer_check check (closed_by is null or closed_at is not null),
    constraint financial_periods_overlap_excl exclude using gist (
        organization_id with =,
        daterange(starts_on, ends_on, '[]') with &&
    )
);

comment on table public.financial_periods is
    'Accounting periods of a tenant; no two of them overlap.';
comment on column public.financial_periods.ends_on is
    'The last day, included.';
comment on column public.financial_periods.closed_at is
    'Null while open. What is dated within a closed period is not to be changed any more.';

revoke all on table
    public.budgets,
    public.expenses,
    public.financial_periods
from public, anon, authenticated, service_role;
