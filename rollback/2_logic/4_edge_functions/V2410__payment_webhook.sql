drop function public.payment_webhook(text, text, text, jsonb);
drop function app_private.retry_payment_webhooks(integer);
drop function app_private.handle_payment_webhook(text, text, text, jsonb);
drop function app_private.apply_payment_event(uuid);
