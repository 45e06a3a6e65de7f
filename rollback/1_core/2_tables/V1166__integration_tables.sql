-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.surveys;
drop table public.files;
drop table public.webhook_deliveries;
drop table public.webhook_endpoints;
drop table public.integrations;
