-- Orders and payments refer to each other: cut the one link first.
alter table public.orders drop constraint orders_payment_fkey;

drop table public.payment_webhook_events;
drop table public.invoice_lines;
drop table public.invoices;
drop table public.tax_rates;
drop table public.payouts;
drop table public.refunds;
drop table public.payments;
drop table public.order_items;
drop table public.orders;
