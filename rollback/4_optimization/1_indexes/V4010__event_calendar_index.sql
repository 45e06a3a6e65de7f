-- evmig: no-transaction
drop index concurrently public.idx_events_org_date_status;
