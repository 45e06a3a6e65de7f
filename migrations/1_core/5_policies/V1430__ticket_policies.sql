-- Ticketing: see V1400 for the kinds of tables and the rules.

-- ticket_categories: P
-- sold and reserved are the server's.
grant select on table public.ticket_categories to anon;
grant select, delete on table public.ticket_categories to authenticated;
grant insert (
    id, organization_id, event_id, name, description, price_cents, currency, capacity,
    sales_start, sales_end, max_per_order, status, is_hidden, sort_order
) on table public.ticket_categories to authenticated;
grant update (
    event_id, name, description, price_cents, currency, capacity, sales_start, sales_end,
    max_per_order, status, is_hidden, sort_order
) on table public.ticket_categories to authenticated;
grant select, insert, update, delete on table public.ticket_categories to service_role;
create policy ticket_categories_anon_select on public.ticket_categories
    for select to anon
    using (
        (
            not is_hidden
            and status <> 'draft'
            and exists (
                select from public.events e
                where e.id = ticket_categories.event_id and e.is_public
            )
        )
    );
create policy ticket_categories_select on public.ticket_categories
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or (
            not is_hidden
            and status <> 'draft'
            and exists (
                select from public.events e
                where e.id = ticket_categories.event_id and e.is_public
            )
        )
    );
create policy ticket_categories_insert on public.ticket_categories
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy ticket_categories_update on public.ticket_categories
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy ticket_categories_delete on public.ticket_categories
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy ticket_categories_service on public.ticket_categories
    for all to service_role
    using (true)
    with check (true);

-- pricing_rules: M
grant select, insert, update, delete on table public.pricing_rules to authenticated, service_role;
create policy pricing_rules_select on public.pricing_rules
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy pricing_rules_insert on public.pricing_rules
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy pricing_rules_update on public.pricing_rules
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy pricing_rules_delete on public.pricing_rules
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy pricing_rules_service on public.pricing_rules
    for all to service_role
    using (true)
    with check (true);

-- price_history: S
grant select on table public.price_history to authenticated;
grant select, insert, update, delete on table public.price_history to service_role;
create policy price_history_select on public.price_history
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy price_history_service on public.price_history
    for all to service_role
    using (true)
    with check (true);

-- promo_codes: M
-- used is the server's.
grant select, delete on table public.promo_codes to authenticated;
grant insert (
    id, organization_id, event_id, code, kind, value, currency, max_uses, valid_from,
    valid_until, is_active
) on table public.promo_codes to authenticated;
grant update (
    event_id, code, kind, value, currency, max_uses, valid_from, valid_until, is_active
) on table public.promo_codes to authenticated;
grant select, insert, update, delete on table public.promo_codes to service_role;
create policy promo_codes_select on public.promo_codes
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy promo_codes_insert on public.promo_codes
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy promo_codes_update on public.promo_codes
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy promo_codes_delete on public.promo_codes
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy promo_codes_service on public.promo_codes
    for all to service_role
    using (true)
    with check (true);

-- promo_code_redemptions: S
grant select on table public.promo_code_redemptions to authenticated;
grant select, insert, update, delete on table public.promo_code_redemptions to service_role;
create policy promo_code_redemptions_select on public.promo_code_redemptions
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy promo_code_redemptions_service on public.promo_code_redemptions
    for all to service_role
    using (true)
    with check (true);

-- ticket_reservations: B
-- Written by the server, which moves the stock along with them.
grant select on table public.ticket_reservations to authenticated;
grant select, insert, update, delete on table public.ticket_reservations to service_role;
create policy ticket_reservations_select on public.ticket_reservations
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or user_id = (select auth.uid())
        or customer_email operator(extensions.=) (select app_private.current_email())
    );
create policy ticket_reservations_service on public.ticket_reservations
    for all to service_role
    using (true)
    with check (true);

-- attendees: B
grant select, insert, update, delete on table public.attendees to authenticated, service_role;
create policy attendees_select on public.attendees
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or user_id = (select auth.uid())
        or email operator(extensions.=) (select app_private.current_email())
    );
create policy attendees_insert on public.attendees
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    );
create policy attendees_update on public.attendees
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    );
create policy attendees_delete on public.attendees
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy attendees_service on public.attendees
    for all to service_role
    using (true)
    with check (true);

-- tickets: B
-- Issued by the server; a ticket is voided, not deleted.
grant select, update on table public.tickets to authenticated;
grant select, insert, update, delete on table public.tickets to service_role;
create policy tickets_select on public.tickets
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or id = any (array(select app_private.buyer_ticket_ids()))
    );
create policy tickets_update on public.tickets
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager'])
        ))
    );
create policy tickets_service on public.tickets
    for all to service_role
    using (true)
    with check (true);

-- check_ins: M
grant select, insert, update, delete on table public.check_ins to authenticated, service_role;
create policy check_ins_select on public.check_ins
    for select to authenticated
    using (organization_id = any (array(select app_private.member_org_ids())));
create policy check_ins_insert on public.check_ins
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    );
create policy check_ins_update on public.check_ins
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    );
create policy check_ins_delete on public.check_ins
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy check_ins_service on public.check_ins
    for all to service_role
    using (true)
    with check (true);

-- waitlist_entries: B
grant select, insert, update, delete on table public.waitlist_entries
    to authenticated, service_role;
create policy waitlist_entries_select on public.waitlist_entries
    for select to authenticated
    using (
        organization_id = any (array(select app_private.member_org_ids()))
        or user_id = (select auth.uid())
        or email operator(extensions.=) (select app_private.current_email())
    );
create policy waitlist_entries_insert on public.waitlist_entries
    for insert to authenticated
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    );
create policy waitlist_entries_update on public.waitlist_entries
    for update to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    )
    with check (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin', 'manager', 'staff'])
        ))
    );
create policy waitlist_entries_delete on public.waitlist_entries
    for delete to authenticated
    using (
        organization_id = any (array(
            select app_private.member_org_ids(array['owner', 'admin'])
        ))
    );
create policy waitlist_entries_service on public.waitlist_entries
    for all to service_role
    using (true)
    with check (true);

-- What this file means, for whoever checks it: see V1390.
insert into app_private.table_policies (
    table_name, kind, member_select, member_insert, member_update, member_delete, own_commands
)
values
    ('ticket_categories', 'P',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('pricing_rules', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('price_history', 'S', '{owner,admin,manager,finance,staff,member}', '{}', '{}', '{}', '{}'),
    ('promo_codes', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}',
        '{owner,admin,manager}', '{owner,admin}', '{}'),
    ('promo_code_redemptions', 'S',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{}', '{}', '{}'),
    ('ticket_reservations', 'B',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{}', '{}', '{select}'),
    ('attendees', 'B',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager,staff}',
        '{owner,admin,manager,staff}', '{owner,admin}', '{select}'),
    ('tickets', 'B',
        '{owner,admin,manager,finance,staff,member}', '{}',
        '{owner,admin,manager}', '{}', '{select}'),
    ('check_ins', 'M',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager,staff}',
        '{owner,admin,manager,staff}', '{owner,admin}', '{}'),
    ('waitlist_entries', 'B',
        '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager,staff}',
        '{owner,admin,manager,staff}', '{owner,admin}', '{select}');
