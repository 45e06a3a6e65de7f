-- updated_at is the server's to set, on every table that has it (all but audit_log,
-- which is never updated).

-- Tenancy

create trigger set_updated_at before update on public.organizations
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.profiles
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.roles
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.organization_members
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.organization_invitations
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.teams
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.team_members
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.api_keys
    for each row execute function app_private.set_updated_at();

-- Venues and suppliers

create trigger set_updated_at before update on public.venues
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.venue_spaces
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.vendors
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.event_vendors
    for each row execute function app_private.set_updated_at();

-- Events

create trigger set_updated_at before update on public.event_categories
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.event_series
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.events
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.event_team_members
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.event_sessions
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.speakers
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.session_speakers
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.session_registrations
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.event_status_history
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.event_templates
    for each row execute function app_private.set_updated_at();

-- Ticketing

create trigger set_updated_at before update on public.ticket_categories
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.pricing_rules
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.price_history
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.promo_codes
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.promo_code_redemptions
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.ticket_reservations
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.attendees
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.tickets
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.check_ins
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.waitlist_entries
    for each row execute function app_private.set_updated_at();

-- Commerce

create trigger set_updated_at before update on public.orders
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.order_items
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.payments
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.refunds
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.payouts
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.invoices
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.invoice_lines
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.tax_rates
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.payment_webhook_events
    for each row execute function app_private.set_updated_at();

-- Operations

create trigger set_updated_at before update on public.integration_logs
    for each row execute function app_private.set_updated_at();
