drop function app_private.buyer_ticket_ids();
drop function app_private.buyer_order_ids();
drop function app_private.co_member_ids();
drop function app_private.member_org_ids(text[]);
