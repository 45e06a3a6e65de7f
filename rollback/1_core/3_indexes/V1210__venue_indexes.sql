drop index public.event_vendors_vendor_idx;
drop index public.event_vendors_event_idx;
