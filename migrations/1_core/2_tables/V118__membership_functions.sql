-- Who may see what, in one place: the policies ask these functions. They are
-- SECURITY DEFINER, because a policy that read organization_members through that
-- table's own policies would call itself. Policies use them as
-- "= any (array(select ...))": evaluated once per statement, and an index on the
-- compared column can serve it, which a hashed subquery would rule out.

create function app_private.member_org_ids(_roles text[] default null)
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
    select m.organization_id
    from public.organization_members m
    where m.user_id = (select auth.uid())
        and m.status = 'active'
        and (_roles is null or m.role = any (_roles))
$$;

revoke all on function app_private.member_org_ids(text[]) from public;
grant execute on function app_private.member_org_ids(text[]) to authenticated, service_role;

comment on function app_private.member_org_ids(text[]) is
    'The tenants that the caller is an active member of, in any role or in one of those given.';

create function app_private.co_member_ids()
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
    select distinct other.user_id
    from public.organization_members me
    join public.organization_members other on other.organization_id = me.organization_id
    where me.user_id = (select auth.uid())
        and me.status = 'active'
        and other.status = 'active'
$$;

revoke all on function app_private.co_member_ids() from public;
grant execute on function app_private.co_member_ids() to authenticated, service_role;

comment on function app_private.co_member_ids() is
    'The accounts that share a tenant with the caller, the caller included.';

create function app_private.buyer_order_ids()
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
    select o.id
    from public.orders o
    where o.user_id = (select auth.uid())
    union
    select o.id
    from public.orders o
    where o.customer_email operator(extensions.=) (select app_private.current_email())
$$;

revoke all on function app_private.buyer_order_ids() from public;
grant execute on function app_private.buyer_order_ids() to authenticated, service_role;

comment on function app_private.buyer_order_ids() is
    'The orders that the caller placed, by account or by e-mail address.';

create function app_private.buyer_ticket_ids()
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
    select t.id
    from public.tickets t
    where t.order_id = any (array(select app_private.buyer_order_ids()))
    union
    select t.id
    from public.tickets t
    join public.attendees a on a.id = t.attendee_id and a.organization_id = t.organization_id
    where a.user_id = (select auth.uid())
    union
    select t.id
    from public.tickets t
    join public.attendees a on a.id = t.attendee_id and a.organization_id = t.organization_id
    where a.email operator(extensions.=) (select app_private.current_email())
$$;

revoke all on function app_private.buyer_ticket_ids() from public;
grant execute on function app_private.buyer_ticket_ids() to authenticated, service_role;

comment on function app_private.buyer_ticket_ids() is
    'The tickets that the caller bought or is the attendee of.';
