-- evmig: no-transaction
-- What the dashboard asks for. All but one are partial: a purchase that is not paid yet
-- writes to none of them.
create index concurrently orders_organization_confirmed_idx
    on public.orders (organization_id, confirmed_at) include (event_id, total_cents, tax_cents)
    where confirmed_at is not null;

create index concurrently tickets_organization_sold_idx
    on public.tickets (organization_id, created_at)
    where status <> 'void';

create index concurrently check_ins_organization_time_idx
    on public.check_ins (organization_id, checked_in_at)
    where undone_at is null;

create index concurrently refunds_organization_done_idx
    on public.refunds (organization_id, created_at)
    where status = 'succeeded';

create index concurrently deals_organization_closed_idx
    on public.deals (organization_id, closed_at)
    where stage in ('won', 'lost');

-- Every page of an event asks for what it sells, in the order shown.
create index concurrently ticket_categories_event_order_idx
    on public.ticket_categories (event_id, sort_order, name);
