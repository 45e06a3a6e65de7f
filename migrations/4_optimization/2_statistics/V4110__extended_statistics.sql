-- Columns that follow from each other. Without these the planner multiplies their
-- selectivities: the orders of one event of one tenant would be expected to be a
-- fraction of what they are.

create statistics public.orders_event_statistics (ndistinct, dependencies, mcv)
    on organization_id, event_id, order_status from public.orders;

create statistics public.events_status_statistics (dependencies, mcv)
    on organization_id, status, visibility from public.events;

create statistics public.tickets_category_statistics (ndistinct, dependencies, mcv)
    on event_id, category_id, status from public.tickets;

create statistics public.order_items_category_statistics (ndistinct, dependencies)
    on organization_id, order_id, category_id from public.order_items;

create statistics public.payments_status_statistics (dependencies, mcv)
    on organization_id, provider, status from public.payments;

create statistics public.tasks_status_statistics (dependencies, mcv)
    on organization_id, event_id, status from public.tasks;

create statistics public.deals_stage_statistics (dependencies, mcv)
    on organization_id, event_id, stage from public.deals;

comment on statistics public.orders_event_statistics is
    'An event belongs to one tenant; few orders are pending.';
comment on statistics public.events_status_statistics is
    'Drafts are private.';
comment on statistics public.tickets_category_statistics is
    'A category belongs to one event.';
comment on statistics public.order_items_category_statistics is
    'Order and category belong to one tenant.';
comment on statistics public.payments_status_statistics is
    'A tenant uses few providers, and most payments succeed.';
comment on statistics public.tasks_status_statistics is
    'An event belongs to one tenant; tasks of past events are done.';
comment on statistics public.deals_stage_statistics is
    'An event belongs to one tenant; deals of past events are closed.';
