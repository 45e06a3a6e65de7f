drop trigger release_work on public.organization_members;
drop function app_private.release_member_work();
drop function app_private.buyer_event_ids();
drop function app_private.buyer_ticket_ids();
drop function app_private.buyer_order_ids();
drop function app_private.co_member_ids();
drop function app_private.member_org_ids(text[]);
