drop function public.purchase_tickets(uuid, integer, text, text, jsonb, text, text, text);
drop function app_private.purchase_tickets(jsonb, text, text, text, text, text, interval);
drop function app_private.order_json(uuid);
revoke usage on schema app_private from anon;
