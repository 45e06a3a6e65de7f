-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.session_registrations;
drop table public.waitlist_entries;
drop table public.check_ins;
drop table public.promo_code_redemptions;
drop table public.tickets;
drop table public.attendees;
drop table public.ticket_reservations;
