-- Commerce: see V1200 for what is indexed and why.

-- A tenant's latest orders.
create index orders_organization_created_idx on public.orders (organization_id, created_at);

-- Sales of the last day, which monitoring counts.
create index orders_confirmed_created_idx on public.orders (created_at)
    where order_status = 'confirmed';

create index orders_event_idx on public.orders (event_id, organization_id);
create index orders_user_idx on public.orders (user_id);
create index orders_customer_email_idx on public.orders (customer_email);
create index orders_payment_idx on public.orders (payment_id, organization_id);
create index order_items_order_idx on public.order_items (order_id, organization_id);
create index order_items_category_idx on public.order_items (category_id, organization_id);
create index payments_order_idx on public.payments (order_id, organization_id);
create index refunds_payment_idx on public.refunds (payment_id, organization_id);
create index refunds_requester_idx on public.refunds (requested_by);
create index invoices_order_idx on public.invoices (order_id, organization_id);
create index invoice_lines_tax_rate_idx on public.invoice_lines (tax_rate_id, organization_id);

-- What is still to be processed, oldest first.
create index payment_webhook_events_open_idx on public.payment_webhook_events (created_at)
    where processed_at is null;
