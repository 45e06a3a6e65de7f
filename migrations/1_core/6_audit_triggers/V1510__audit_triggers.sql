-- What somebody will ask about later: access, money, and the events themselves. Not
-- ticket_categories and tickets: every sale moves them, and the orders tell it all.
-- zz_ fires last, after triggers that may still refuse the change.

create trigger zz_audit after insert or update or delete on public.organizations
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.organization_members
    for each row execute function app_private.audit_row('organization_id', 'user_id');

create trigger zz_audit after insert or update or delete on public.organization_invitations
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.roles
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.api_keys
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.events
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.promo_codes
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.orders
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.payments
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.refunds
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.payouts
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.invoices
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.tax_rates
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.budgets
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.expenses
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.financial_periods
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.deals
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.workflows
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.integrations
    for each row execute function app_private.audit_row();

create trigger zz_audit after insert or update or delete on public.webhook_endpoints
    for each row execute function app_private.audit_row();
