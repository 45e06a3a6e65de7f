drop index public.financial_periods_closer_idx;
drop index public.expenses_approver_idx;
drop index public.expenses_submitter_idx;
drop index public.expenses_vendor_idx;
drop index public.expenses_budget_idx;
drop index public.expenses_event_idx;
drop index public.expenses_organization_incurred_idx;
