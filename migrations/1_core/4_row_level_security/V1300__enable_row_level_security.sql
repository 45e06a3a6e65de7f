-- Deny by default: from here on a row is seen only through a policy (V1400 ff.). No
-- table was open before either: V1100 to V1167 leave nothing granted. The owner is not
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

-- Finance
alter table public.budgets enable row level security;
alter table public.expenses enable row level security;
alter table public.financial_periods enable row level security;

-- Sponsorship
alter table public.sponsors enable row level security;
alter table public.sponsor_contacts enable row level security;
alter table public.sponsor_packages enable row level security;
alter table public.deals enable row level security;
alter table public.deal_stage_history enable row level security;
alter table public.deliverables enable row level security;

-- Marketing
alter table public.audience_segments enable row level security;
alter table public.email_templates enable row level security;
alter table public.campaigns enable row level security;
alter table public.email_sends enable row level security;
alter table public.social_posts enable row level security;
alter table public.marketing_attributions enable row level security;

-- Work and automation
alter table public.tasks enable row level security;
alter table public.task_comments enable row level security;
alter table public.workflows enable row level security;
alter table public.workflow_runs enable row level security;
alter table public.workflow_steps enable row level security;
alter table public.notifications enable row level security;
alter table public.scheduled_jobs enable row level security;

-- AI
alter table public.ai_agents enable row level security;
alter table public.ai_conversations enable row level security;
alter table public.ai_messages enable row level security;
alter table public.content_generations enable row level security;
alter table public.ai_predictions enable row level security;

-- Integrations, files and surveys
alter table public.integrations enable row level security;
alter table public.webhook_endpoints enable row level security;
alter table public.webhook_deliveries enable row level security;
alter table public.files enable row level security;
alter table public.surveys enable row level security;

-- Analytics
alter table public.analytics_events enable row level security;
alter table public.kpi_definitions enable row level security;
alter table public.kpi_snapshots enable row level security;
alter table public.dashboards enable row level security;
alter table public.survey_responses enable row level security;
