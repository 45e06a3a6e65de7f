delete from app_private.table_policies
where table_name in (
    'sponsors', 'sponsor_contacts', 'sponsor_packages', 'deals', 'deal_stage_history',
    'deliverables'
);

drop policy deliverables_service on public.deliverables;
drop policy deliverables_delete on public.deliverables;
drop policy deliverables_update on public.deliverables;
drop policy deliverables_insert on public.deliverables;
drop policy deliverables_select on public.deliverables;
revoke all on table public.deliverables from anon, authenticated, service_role;

drop policy deal_stage_history_service on public.deal_stage_history;
drop policy deal_stage_history_select on public.deal_stage_history;
revoke all on table public.deal_stage_history from anon, authenticated, service_role;

drop policy deals_service on public.deals;
drop policy deals_delete on public.deals;
drop policy deals_update on public.deals;
drop policy deals_insert on public.deals;
drop policy deals_select on public.deals;
revoke all on table public.deals from anon, authenticated, service_role;

drop policy sponsor_packages_service on public.sponsor_packages;
drop policy sponsor_packages_delete on public.sponsor_packages;
drop policy sponsor_packages_update on public.sponsor_packages;
drop policy sponsor_packages_insert on public.sponsor_packages;
drop policy sponsor_packages_select on public.sponsor_packages;
drop policy sponsor_packages_anon_select on public.sponsor_packages;
revoke insert (
    id, organization_id, event_id, name, tier, description, benefits, price_cents, currency,
    slots, is_published, sort_order
) on table public.sponsor_packages from authenticated;
revoke update (
    event_id, name, tier, description, benefits, price_cents, currency, slots, is_published,
    sort_order
) on table public.sponsor_packages from authenticated;
revoke all on table public.sponsor_packages from anon, authenticated, service_role;

drop policy sponsor_contacts_service on public.sponsor_contacts;
drop policy sponsor_contacts_delete on public.sponsor_contacts;
drop policy sponsor_contacts_update on public.sponsor_contacts;
drop policy sponsor_contacts_insert on public.sponsor_contacts;
drop policy sponsor_contacts_select on public.sponsor_contacts;
revoke all on table public.sponsor_contacts from anon, authenticated, service_role;

drop policy sponsors_service on public.sponsors;
drop policy sponsors_delete on public.sponsors;
drop policy sponsors_update on public.sponsors;
drop policy sponsors_insert on public.sponsors;
drop policy sponsors_select on public.sponsors;
revoke all on table public.sponsors from anon, authenticated, service_role;
