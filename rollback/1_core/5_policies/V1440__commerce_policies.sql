delete from app_private.table_policies
where table_name in (
    'orders', 'order_items', 'payments', 'refunds', 'payouts', 'invoices', 'invoice_lines',
    'tax_rates', 'payment_webhook_events'
);

drop policy payment_webhook_events_service on public.payment_webhook_events;
drop policy payment_webhook_events_nobody on public.payment_webhook_events;
revoke all on table public.payment_webhook_events from anon, authenticated, service_role;

drop policy tax_rates_service on public.tax_rates;
drop policy tax_rates_delete on public.tax_rates;
drop policy tax_rates_update on public.tax_rates;
drop policy tax_rates_insert on public.tax_rates;
drop policy tax_rates_select on public.tax_rates;
revoke all on table public.tax_rates from anon, authenticated, service_role;

drop policy invoice_lines_service on public.invoice_lines;
drop policy invoice_lines_delete on public.invoice_lines;
drop policy invoice_lines_update on public.invoice_lines;
drop policy invoice_lines_insert on public.invoice_lines;
drop policy invoice_lines_select on public.invoice_lines;
revoke all on table public.invoice_lines from anon, authenticated, service_role;

drop policy invoices_service on public.invoices;
drop policy invoices_delete on public.invoices;
drop policy invoices_update on public.invoices;
drop policy invoices_insert on public.invoices;
drop policy invoices_select on public.invoices;
revoke all on table public.invoices from anon, authenticated, service_role;

drop policy payouts_service on public.payouts;
drop policy payouts_update on public.payouts;
drop policy payouts_insert on public.payouts;
drop policy payouts_select on public.payouts;
revoke all on table public.payouts from anon, authenticated, service_role;

drop policy refunds_service on public.refunds;
drop policy refunds_update on public.refunds;
drop policy refunds_insert on public.refunds;
drop policy refunds_select on public.refunds;
revoke all on table public.refunds from anon, authenticated, service_role;

drop policy payments_service on public.payments;
drop policy payments_update on public.payments;
drop policy payments_insert on public.payments;
drop policy payments_select on public.payments;
revoke all on table public.payments from anon, authenticated, service_role;

drop policy order_items_service on public.order_items;
drop policy order_items_update on public.order_items;
drop policy order_items_insert on public.order_items;
drop policy order_items_select on public.order_items;
revoke all on table public.order_items from anon, authenticated, service_role;

drop policy orders_service on public.orders;
drop policy orders_update on public.orders;
drop policy orders_insert on public.orders;
drop policy orders_select on public.orders;
revoke all on table public.orders from anon, authenticated, service_role;
