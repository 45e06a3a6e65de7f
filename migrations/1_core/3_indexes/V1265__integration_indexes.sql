-- Integrations, files and surveys: see V1200 for what is indexed and why.

-- What is to be delivered, or tried again.
create index webhook_deliveries_due_idx on public.webhook_deliveries (next_attempt_at)
    where status in ('pending', 'failed');

create index files_event_idx on public.files (event_id, organization_id);
create index files_owner_idx on public.files (owner_id);
