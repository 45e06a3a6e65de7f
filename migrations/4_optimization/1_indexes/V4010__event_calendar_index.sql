-- evmig: no-transaction
-- A tenant's coming events that can still change. The partial index serves queries that
-- say status in ('planning', 'confirmed'); those that do not say it are served by
-- events_organization_start_idx of the core, which has no condition.
create index concurrently idx_events_org_date_status
    on public.events (organization_id, start_date, status)
    where status in ('planning', 'confirmed');
