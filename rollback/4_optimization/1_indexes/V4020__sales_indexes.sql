-- evmig: no-transaction
drop index concurrently public.ticket_categories_event_order_idx;
drop index concurrently public.deals_organization_closed_idx;
drop index concurrently public.refunds_organization_done_idx;
drop index concurrently public.check_ins_organization_time_idx;
drop index concurrently public.tickets_organization_sold_idx;
drop index concurrently public.orders_organization_confirmed_idx;
