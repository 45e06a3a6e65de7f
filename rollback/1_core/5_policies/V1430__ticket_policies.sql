delete from app_private.table_policies
where table_name in (
    'ticket_categories', 'pricing_rules', 'price_history', 'promo_codes',
    'promo_code_redemptions', 'ticket_reservations', 'attendees', 'tickets', 'check_ins',
    'waitlist_entries'
);

drop policy waitlist_entries_service on public.waitlist_entries;
drop policy waitlist_entries_delete on public.waitlist_entries;
drop policy waitlist_entries_update on public.waitlist_entries;
drop policy waitlist_entries_insert on public.waitlist_entries;
drop policy waitlist_entries_select on public.waitlist_entries;
revoke all on table public.waitlist_entries from anon, authenticated, service_role;

drop policy check_ins_service on public.check_ins;
drop policy check_ins_delete on public.check_ins;
drop policy check_ins_update on public.check_ins;
drop policy check_ins_insert on public.check_ins;
drop policy check_ins_select on public.check_ins;
revoke all on table public.check_ins from anon, authenticated, service_role;

drop policy tickets_service on public.tickets;
drop policy tickets_update on public.tickets;
drop policy tickets_select on public.tickets;
revoke all on table public.tickets from anon, authenticated, service_role;

drop policy attendees_service on public.attendees;
drop policy attendees_delete on public.attendees;
drop policy attendees_update on public.attendees;
drop policy attendees_insert on public.attendees;
drop policy attendees_select on public.attendees;
revoke all on table public.attendees from anon, authenticated, service_role;

drop policy ticket_reservations_service on public.ticket_reservations;
drop policy ticket_reservations_select on public.ticket_reservations;
revoke all on table public.ticket_reservations from anon, authenticated, service_role;

drop policy promo_code_redemptions_service on public.promo_code_redemptions;
drop policy promo_code_redemptions_select on public.promo_code_redemptions;
revoke all on table public.promo_code_redemptions from anon, authenticated, service_role;

drop policy promo_codes_service on public.promo_codes;
drop policy promo_codes_delete on public.promo_codes;
drop policy promo_codes_update on public.promo_codes;
drop policy promo_codes_insert on public.promo_codes;
drop policy promo_codes_select on public.promo_codes;
revoke insert (
    id, organization_id, event_id, code, kind, value, currency, max_uses, valid_from,
    valid_until, is_active
) on table public.promo_codes from authenticated;
revoke update (
    event_id, code, kind, value, currency, max_uses, valid_from, valid_until, is_active
) on table public.promo_codes from authenticated;
revoke all on table public.promo_codes from anon, authenticated, service_role;

drop policy price_history_service on public.price_history;
drop policy price_history_select on public.price_history;
revoke all on table public.price_history from anon, authenticated, service_role;

drop policy pricing_rules_service on public.pricing_rules;
drop policy pricing_rules_delete on public.pricing_rules;
drop policy pricing_rules_update on public.pricing_rules;
drop policy pricing_rules_insert on public.pricing_rules;
drop policy pricing_rules_select on public.pricing_rules;
revoke all on table public.pricing_rules from anon, authenticated, service_role;

drop policy ticket_categories_service on public.ticket_categories;
drop policy ticket_categories_delete on public.ticket_categories;
drop policy ticket_categories_update on public.ticket_categories;
drop policy ticket_categories_insert on public.ticket_categories;
drop policy ticket_categories_select on public.ticket_categories;
drop policy ticket_categories_anon_select on public.ticket_categories;
revoke insert (
    id, organization_id, event_id, name, description, price_cents, currency, capacity,
    sales_start, sales_end, max_per_order, status, is_hidden, sort_order
) on table public.ticket_categories from authenticated;
revoke update (
    event_id, name, description, price_cents, currency, capacity, sales_start, sales_end,
    max_per_order, status, is_hidden, sort_order
) on table public.ticket_categories from authenticated;
revoke all on table public.ticket_categories from anon, authenticated, service_role;
