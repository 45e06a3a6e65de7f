-- Ticketing: see V1200 for what is indexed and why.

create index pricing_rules_category_idx on public.pricing_rules (category_id, organization_id);
create index price_history_category_idx
    on public.price_history (category_id, organization_id, created_at);
create index price_history_actor_idx on public.price_history (actor_id);
create index promo_codes_event_idx on public.promo_codes (event_id, organization_id);
create index promo_code_redemptions_code_idx
    on public.promo_code_redemptions (promo_code_id, organization_id);
create index ticket_reservations_category_idx
    on public.ticket_reservations (category_id, organization_id);
create index ticket_reservations_order_idx
    on public.ticket_reservations (order_id, organization_id);
create index ticket_reservations_user_idx on public.ticket_reservations (user_id);
create index ticket_reservations_email_idx on public.ticket_reservations (customer_email);

-- What the clean-up looks for.
create index ticket_reservations_expiry_idx on public.ticket_reservations (expires_at)
    where status = 'active';

create index attendees_event_idx on public.attendees (event_id, organization_id);
create index attendees_user_idx on public.attendees (user_id);
create index attendees_email_idx on public.attendees (email);
create index tickets_event_idx on public.tickets (event_id, organization_id);
create index tickets_order_idx on public.tickets (order_id, organization_id);
create index tickets_category_idx on public.tickets (category_id, organization_id);
create index tickets_attendee_idx on public.tickets (attendee_id, organization_id);
create index check_ins_ticket_idx on public.check_ins (ticket_id, organization_id);

-- A ticket lets one person in.
create unique index check_ins_active_idx on public.check_ins (ticket_id)
    where undone_at is null;

create index check_ins_member_idx on public.check_ins (checked_in_by);

-- The queue of one category.
create index waitlist_entries_category_idx
    on public.waitlist_entries (category_id, organization_id, position);

-- Nobody queues twice for the same.
create unique index waitlist_entries_open_idx on public.waitlist_entries (category_id, email)
    where status in ('waiting', 'notified');

create index waitlist_entries_user_idx on public.waitlist_entries (user_id);
create index waitlist_entries_email_idx on public.waitlist_entries (email);
