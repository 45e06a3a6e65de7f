drop function public.refresh_kpis(text, date, uuid);
drop function public.run_maintenance();
drop function public.set_ticket_price(uuid, bigint, text);
drop function public.finish_job(uuid, text, text);
drop function public.claim_jobs(text, integer, text[]);
drop function app_private.set_price(uuid, bigint, text, text);
drop function app_private.apply_prices(uuid, text);
drop function app_private.finish_job(uuid, text, text);
drop function app_private.claim_jobs(text, integer, text[], interval);
