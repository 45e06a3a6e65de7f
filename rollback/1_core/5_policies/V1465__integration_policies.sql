delete from app_private.table_policies
where table_name in (
    'integrations', 'webhook_endpoints', 'webhook_deliveries', 'files', 'surveys'
);

drop policy surveys_service on public.surveys;
drop policy surveys_delete on public.surveys;
drop policy surveys_update on public.surveys;
drop policy surveys_insert on public.surveys;
drop policy surveys_select on public.surveys;
drop policy surveys_anon_select on public.surveys;
revoke all on table public.surveys from anon, authenticated, service_role;

drop policy files_service on public.files;
drop policy files_delete on public.files;
drop policy files_update on public.files;
drop policy files_insert on public.files;
drop policy files_select on public.files;
revoke all on table public.files from anon, authenticated, service_role;

drop policy webhook_deliveries_service on public.webhook_deliveries;
drop policy webhook_deliveries_select on public.webhook_deliveries;
revoke all on table public.webhook_deliveries from anon, authenticated, service_role;

drop policy webhook_endpoints_service on public.webhook_endpoints;
drop policy webhook_endpoints_delete on public.webhook_endpoints;
drop policy webhook_endpoints_update on public.webhook_endpoints;
drop policy webhook_endpoints_select on public.webhook_endpoints;
revoke select (
    id, organization_id, url, description, events, is_active, created_at, updated_at
) on table public.webhook_endpoints from authenticated;
revoke update (
    url, description, events, is_active
) on table public.webhook_endpoints from authenticated;
revoke all on table public.webhook_endpoints from anon, authenticated, service_role;

drop policy integrations_service on public.integrations;
drop policy integrations_select on public.integrations;
revoke select (
    id, organization_id, provider, name, status, external_account, config, last_error,
    connected_at, last_synced_at, created_at, updated_at
) on table public.integrations from authenticated;
revoke all on table public.integrations from anon, authenticated, service_role;
