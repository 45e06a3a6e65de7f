drop index public.files_owner_idx;
drop index public.files_event_idx;
drop index public.webhook_deliveries_due_idx;
