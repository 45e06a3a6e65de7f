-- Commerce: see V1400 for the kinds of tables and the rules.

-- orders: B
-- An order is cancelled, not deleted.
grant select, insert, update on table public.orders to authenticated;
grant select, insert, update, delete on table public.orders to service_role;
create policy orders_select on public.orders
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or user_id = (select auth.uid())
        or customer_email operator(extensions.=) (select app_private.current_email())
    );
create policy orders_insert on public.orders
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance'])
        ))
    );
create policy orders_update on public.orders
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance'])
        ))
    );
create policy orders_service on public.orders
    for all to service_role
    using (true)
    with check (true);

-- order_items: B
grant select, insert, update on table public.order_items to authenticated;
grant select, insert, update, delete on table public.order_items to service_role;
create policy order_items_select on public.order_items
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or order_id = any (array(select app_private.buyer_order_ids()))
    );
create policy order_items_insert on public.order_items
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance'])
        ))
    );
create policy order_items_update on public.order_items
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'finance'])
        ))
    );
create policy order_items_service on public.order_items
    for all to service_role
    using (true)
    with check (true);

-- payments: F
-- Records of money are never deleted.
grant select, insert, update on table public.payments to authenticated;
grant select, insert, update, delete on table public.payments to service_role;
create policy payments_select on public.payments
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy payments_insert on public.payments
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy payments_update on public.payments
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy payments_service on public.payments
    for all to service_role
    using (true)
    with check (true);

-- refunds: F
grant select, insert, update on table public.refunds to authenticated;
grant select, insert, update, delete on table public.refunds to service_role;
create policy refunds_select on public.refunds
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy refunds_insert on public.refunds
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy refunds_update on public.refunds
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy refunds_service on public.refunds
    for all to service_role
    using (true)
    with check (true);

-- payouts: F
grant select, insert, update on table public.payouts to authenticated;
grant select, insert, update, delete on table public.payouts to service_role;
create policy payouts_select on public.payouts
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy payouts_insert on public.payouts
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy payouts_update on public.payouts
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy payouts_service on public.payouts
    for all to service_role
    using (true)
    with check (true);

-- invoices: F
-- Only a draft may go.
grant select, insert, update, delete on table public.invoices to authenticated, service_role;
create policy invoices_select on public.invoices
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy invoices_insert on public.invoices
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy invoices_update on public.invoices
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy invoices_delete on public.invoices
    for delete to authenticated
    using (
        status = 'draft'
        and organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy invoices_service on public.invoices
    for all to service_role
    using (true)
    with check (true);

-- invoice_lines: F
grant select, insert, update, delete on table public.invoice_lines to authenticated, service_role;
create policy invoice_lines_select on public.invoice_lines
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy invoice_lines_insert on public.invoice_lines
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy invoice_lines_update on public.invoice_lines
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy invoice_lines_delete on public.invoice_lines
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy invoice_lines_service on public.invoice_lines
    for all to service_role
    using (true)
    with check (true);

-- tax_rates: F
grant select, insert, update, delete on table public.tax_rates to authenticated, service_role;
create policy tax_rates_select on public.tax_rates
    for select to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy tax_rates_insert on public.tax_rates
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy tax_rates_update on public.tax_rates
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy tax_rates_delete on public.tax_rates
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'finance'])
        ))
    );
create policy tax_rates_service on public.tax_rates
    for all to service_role
    using (true)
    with check (true);

-- payment_webhook_events: X
grant select, insert, update, delete on table public.payment_webhook_events to service_role;
create policy payment_webhook_events_nobody on public.payment_webhook_events
    for all to anon, authenticated
    using (false)
    with check (false);
create policy payment_webhook_events_service on public.payment_webhook_events
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('orders', 'B',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager,finance}',
        '{owner,admin,manager,finance}', '{}', '{select}'),
    ('order_items', 'B',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager,finance}',
        '{owner,admin,manager,finance}', '{}', '{select}'),
    ('payments', 'F',
        '{owner,admin,finance}', '{owner,admin,finance}',
        '{owner,admin,finance}', '{}', '{}'),
    ('refunds', 'F',
        '{owner,admin,finance}', '{owner,admin,finance}',
        '{owner,admin,finance}', '{}', '{}'),
    ('payouts', 'F',
        '{owner,admin,finance}', '{owner,admin,finance}',
        '{owner,admin,finance}', '{}', '{}'),
    ('invoices', 'F',
        '{owner,admin,finance}', '{owner,admin,finance}',
        '{owner,admin,finance}', '{owner,admin,finance}', '{}'),
    ('invoice_lines', 'F',
        '{owner,admin,finance}', '{owner,admin,finance}',
        '{owner,admin,finance}', '{owner,admin,finance}', '{}'),
    ('tax_rates', 'F',
        '{owner,admin,finance}', '{owner,admin,finance}',
        '{owner,admin,finance}', '{owner,admin,finance}', '{}'),
    ('payment_webhook_events', 'X', '{}', '{}', '{}', '{}', '{}');
