drop function public.request_refund(uuid, bigint, text);
drop function app_private.request_refund(uuid, bigint, text);
drop function app_private.expire_orders(integer);
drop function public.cancel_order(uuid);
drop function app_private.cancel_order(uuid);
