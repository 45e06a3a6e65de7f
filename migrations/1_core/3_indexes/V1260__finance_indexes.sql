-- Finance: see V1200 for what is indexed and why.

-- A tenant's costs of a period.
create index expenses_organization_incurred_idx on public.expenses (organization_id, incurred_on);

create index expenses_event_idx on public.expenses (event_id, organization_id);
create index expenses_budget_idx on public.expenses (budget_id, organization_id, event_id);
create index expenses_vendor_idx on public.expenses (vendor_id, organization_id);
create index expenses_submitter_idx on public.expenses (submitted_by);
create index expenses_approver_idx on public.expenses (approved_by);
create index financial_periods_closer_idx on public.financial_periods (closed_by);
