-- Sponsorship: see V1200 for what is indexed and why.

create index sponsor_contacts_sponsor_idx on public.sponsor_contacts (sponsor_id, organization_id);

-- One contact is the first one to write to.
create unique index sponsor_contacts_primary_idx on public.sponsor_contacts (sponsor_id)
    where is_primary;

-- The pipeline, by expected decision.
create index deals_pipeline_idx on public.deals (organization_id, close_date)
    where stage not in ('won', 'lost');

create index deals_event_idx on public.deals (event_id, organization_id);
create index deals_sponsor_idx on public.deals (sponsor_id, organization_id);
create index deals_package_idx on public.deals (package_id, organization_id, event_id);
create index deals_owner_idx on public.deals (owner_id, organization_id);
create index deal_stage_history_deal_idx
    on public.deal_stage_history (deal_id, organization_id, created_at);
create index deal_stage_history_actor_idx on public.deal_stage_history (actor_id);
create index deliverables_deal_idx on public.deliverables (deal_id, organization_id);

-- What is still owed to sponsors.
create index deliverables_due_idx on public.deliverables (organization_id, due_on)
    where status in ('pending', 'in_progress');

create index invoices_deal_idx on public.invoices (deal_id, organization_id);
