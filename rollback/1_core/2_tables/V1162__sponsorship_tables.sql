-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

-- The column takes its two constraints and its comment along.
alter table public.invoices drop column deal_id;

drop table public.deliverables;
drop table public.deal_stage_history;
drop table public.deals;
drop table public.sponsor_packages;
drop table public.sponsor_contacts;
drop table public.sponsors;
