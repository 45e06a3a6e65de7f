-- Deny by default: from here on a row is seen only through a policy (V140 ff.). No
-- table was open before either: V110 to V116 leave nothing granted. The owner is not
-- held (no FORCE): audit_row() and the helper functions work as the owner.

-- Tenancy
alter table public.organizations enable row level security;
alter table public.profiles enable row level security;
alter table public.roles enable row level security;
alter table public.organization_members enable row level security;
alter table public.organization_invitations enable row level security;
alter table public.teams enable row level security;
alter table public.team_members enable row level security;
alter table public.api_keys enable row level security;

-- Venues and suppliers
alter table public.venues enable row level security;
alter table public.venue_spaces enable row level security;
alter table public.vendors enable row level security;
alter table public.event_vendors enable row level security;

-- Events
alter table public.event_categories enable row level security;
alter table public.event_series enable row level security;
alter table public.events enable row level security;
alter table public.event_team_members enable row level security;
alter table public.event_sessions enable row level security;
alter table public.speakers enable row level security;
alter table public.session_speakers enable row level security;
alter table public.session_registrations enable row level security;
alter table public.event_status_history enable row level security;
alter table public.event_templates enable row level security;

-- Ticketing
alter table public.ticket_categories enable row level security;
alter table public.pricing_rules enable row level security;
alter table public.price_history enable row level security;
alter table public.promo_codes enable row level security;
alter table public.promo_code_redemptions enable row level security;
alter table public.ticket_reservations enable row level security;
alter table public.attendees enable row level security;
alter table public.tickets enable row level security;
alter table public.check_ins enable row level security;
alter table public.waitlist_entries enable row level security;

-- Commerce
alter table public.orders enable row level security;
alter table public.order_items enable row level security;
alter table public.payments enable row level security;
alter table public.refunds enable row level security;
alter table public.payouts enable row level security;
alter table public.invoices enable row level security;
alter table public.invoice_lines enable row level security;
alter table public.tax_rates enable row level security;
alter table public.payment_webhook_events enable row level security;

-- Operations
alter table public.audit_log enable row level security;
alter table public.integration_logs enable row level security;
-- Later partitions get it from ensure_audit_partitions().
alter table app_private.audit_log_default enable row level security;
