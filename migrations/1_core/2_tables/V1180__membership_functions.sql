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

create function app_private.buyer_event_ids()
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
    select distinct t.event_id
    from public.tickets t
    where t.id = any (array(select app_private.buyer_ticket_ids()))
        and t.status <> 'void'
$$;

revoke all on function app_private.buyer_event_ids() from public;
grant execute on function app_private.buyer_event_ids() to authenticated, service_role;

comment on function app_private.buyer_event_ids() is
    'The events that the caller holds a ticket for.';

-- Work that is under way belongs to members only, so that nobody hands a task to a
-- stranger. Its keys refer to the membership; ON DELETE SET NULL would null the tenant
-- as well (see V1100), hence this. SECURITY DEFINER: whoever leaves may not be one who
-- changes tasks and deals.
create function app_private.release_member_work()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    -- A tenant that is itself on its way out takes its tasks along.
    if not exists (select from public.organizations o where o.id = old.organization_id) then
        return old;
    end if;

    update public.tasks
    set assignee_id = null
    where assignee_id = old.user_id and organization_id = old.organization_id;

    update public.deals
    set owner_id = null
    where owner_id = old.user_id and organization_id = old.organization_id;

    return old;
end
$$;

revoke all on function app_private.release_member_work() from public;

comment on function app_private.release_member_work() is
    'Row trigger: whoever leaves a tenant is no longer the assignee of its tasks or the owner of its deals.';

create trigger release_work before delete on public.organization_members
    for each row execute function app_private.release_member_work();
