-- updated_at is the server's to set, on every table that has it (all but audit_log and
-- analytics_events, which are never updated).

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

-- Finance

create trigger set_updated_at before update on public.budgets
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.expenses
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.financial_periods
    for each row execute function app_private.set_updated_at();

-- Sponsorship

create trigger set_updated_at before update on public.sponsors
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.sponsor_contacts
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.sponsor_packages
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.deals
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.deal_stage_history
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.deliverables
    for each row execute function app_private.set_updated_at();

-- Marketing

create trigger set_updated_at before update on public.audience_segments
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.email_templates
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.campaigns
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.email_sends
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.social_posts
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.marketing_attributions
    for each row execute function app_private.set_updated_at();

-- Work and automation

create trigger set_updated_at before update on public.tasks
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.task_comments
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.workflows
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.workflow_runs
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.workflow_steps
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.notifications
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.scheduled_jobs
    for each row execute function app_private.set_updated_at();

-- AI

create trigger set_updated_at before update on public.ai_agents
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.ai_conversations
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.ai_messages
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.content_generations
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.ai_predictions
    for each row execute function app_private.set_updated_at();

-- Integrations, files and surveys

create trigger set_updated_at before update on public.integrations
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.webhook_endpoints
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.webhook_deliveries
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.files
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.surveys
    for each row execute function app_private.set_updated_at();

-- Analytics

create trigger set_updated_at before update on public.kpi_definitions
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.kpi_snapshots
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.dashboards
    for each row execute function app_private.set_updated_at();

create trigger set_updated_at before update on public.survey_responses
    for each row execute function app_private.set_updated_at();
