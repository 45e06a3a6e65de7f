-- Venues and suppliers: see V1200 for what is indexed and why.

create index event_vendors_event_idx on public.event_vendors (event_id, organization_id);
create index event_vendors_vendor_idx on public.event_vendors (vendor_id, organization_id);
