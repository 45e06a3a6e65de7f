-- Status machines. Which step is legal is data, one row per legal step; a row trigger
-- refuses the rest. New rows may begin anywhere: imports bring finished events along.

-- Errors that a client must act upon come from one place, in one shape: SQLSTATE PTnnn
-- becomes HTTP status nnn in PostgREST, detail is JSON with a stable word in "reason",
-- and hint tells people what to do.
create function app_private.fail(
    status integer,
    reason text,
    message text,
    hint text default null,
    detail jsonb default '{}'
)
returns void
language plpgsql
set search_path = ''
as $$
begin
    raise exception using
        errcode = 'PT' || status,
        message = message,
        detail = (jsonb_build_object('reason', reason) || detail)::text,
        hint = coalesce(hint, 'Correct the request and send it again.');
end
$$;

revoke all on function app_private.fail(integer, text, text, text, jsonb) from public;
grant execute on function app_private.fail(integer, text, text, text, jsonb)
    to authenticated, service_role;

comment on function app_private.fail(integer, text, text, text, jsonb) is
    'Raises an error for API clients: HTTP status, a stable reason in the JSON detail, a hint.';

-- History rows name who did it, and refer to profiles: an account without one is nobody.
create function app_private.current_profile_id()
returns uuid
language sql
stable
security definer
set search_path = ''
as $$
    select p.id from public.profiles p where p.id = (select auth.uid())
$$;

revoke all on function app_private.current_profile_id() from public;
grant execute on function app_private.current_profile_id() to authenticated, service_role;

comment on function app_private.current_profile_id() is
    'The caller''s account if it has a profile, else null.';

create table app_private.status_transitions (
    machine text not null
        check (machine ~ '^[a-z][a-z0-9_]{0,62}$'),
    from_status text not null
        check (from_status <> ''),
    to_status text not null
        check (to_status <> ''),
    constraint status_transitions_pkey primary key (machine, from_status, to_status),
    constraint status_transitions_change_check check (from_status <> to_status)
);

alter table app_private.status_transitions enable row level security;
revoke all on table app_private.status_transitions
    from public, anon, authenticated, service_role;

comment on table app_private.status_transitions is
    'The legal steps of every status machine; what is not listed is refused.';
comment on column app_private.status_transitions.machine is
    'Name of the table whose rows go through these steps.';

insert into app_private.status_transitions (machine, from_status, to_status)
select m.machine, m.from_status, t.to_status
from (values
    ('events', 'draft', array['planning', 'confirmed', 'cancelled']),
    ('events', 'planning', array['draft', 'confirmed', 'postponed', 'cancelled']),
    ('events', 'confirmed', array['planning', 'live', 'postponed', 'cancelled']),
    ('events', 'live', array['completed', 'cancelled']),
    ('events', 'postponed', array['planning', 'confirmed', 'cancelled']),
    ('orders', 'pending', array['confirmed', 'cancelled', 'expired']),
    ('orders', 'confirmed', array['partially_refunded', 'refunded', 'cancelled']),
    ('orders', 'partially_refunded', array['refunded', 'cancelled']),
    ('payments', 'pending', array['authorized', 'succeeded', 'failed', 'cancelled']),
    ('payments', 'authorized', array['succeeded', 'failed', 'cancelled']),
    -- A declined card is tried again under the same payment.
    ('payments', 'failed', array['pending', 'authorized', 'succeeded', 'cancelled']),
    -- Money that arrives after all is not denied.
    ('payments', 'cancelled', array['succeeded']),
    ('payments', 'succeeded', array['partially_refunded', 'refunded']),
    ('payments', 'partially_refunded', array['refunded']),
    ('refunds', 'pending', array['succeeded', 'failed', 'cancelled']),
    ('refunds', 'failed', array['pending', 'succeeded', 'cancelled']),
    ('tickets', 'valid', array['used', 'void']),
    ('tickets', 'used', array['valid', 'void']),
    ('deals', 'lead', array['qualified', 'proposal', 'negotiation', 'won', 'lost']),
    ('deals', 'qualified', array['lead', 'proposal', 'negotiation', 'won', 'lost']),
    ('deals', 'proposal', array['qualified', 'negotiation', 'won', 'lost']),
    ('deals', 'negotiation', array['proposal', 'won', 'lost']),
    ('deals', 'won', array['lost']),
    ('deals', 'lost', array['lead', 'qualified']),
    ('tasks', 'todo', array['in_progress', 'blocked', 'done', 'cancelled']),
    ('tasks', 'in_progress', array['todo', 'blocked', 'done', 'cancelled']),
    ('tasks', 'blocked', array['todo', 'in_progress', 'cancelled']),
    ('tasks', 'done', array['todo', 'in_progress']),
    ('tasks', 'cancelled', array['todo'])
) as m (machine, from_status, to_statuses)
cross join lateral unnest(m.to_statuses) as t (to_status);

-- SECURITY DEFINER: callers may not read the table of steps.
create function app_private.check_transition()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    from_word text := to_jsonb(old) ->> tg_argv[0];
    to_word text := to_jsonb(new) ->> tg_argv[0];
begin
    if exists (
        select from app_private.status_transitions t
        where t.machine = tg_table_name
            and t.from_status = from_word
            and t.to_status = to_word
    ) then
        return new;
    end if;
    perform app_private.fail(
        409, 'illegal_transition',
        format('%s cannot go from %s to %s', tg_table_name, from_word, to_word),
        coalesce(
            'Possible from here: ' || (
                select string_agg(t.to_status, ', ' order by t.to_status)
                from app_private.status_transitions t
                where t.machine = tg_table_name and t.from_status = from_word
            ),
            'Nothing follows ' || from_word || '.'
        ),
        jsonb_build_object('table', tg_table_name, 'id', to_jsonb(old) ->> 'id',
            'from', from_word, 'to', to_word)
    );
    return null;
end
$$;

revoke all on function app_private.check_transition() from public;

comment on function app_private.check_transition() is
    'Row trigger: refuses a step that app_private.status_transitions does not list. Argument: the status column.';

create trigger check_transition before update of status on public.events
    for each row when (old.status is distinct from new.status)
    execute function app_private.check_transition('status');

create trigger check_transition before update of order_status on public.orders
    for each row when (old.order_status is distinct from new.order_status)
    execute function app_private.check_transition('order_status');

create trigger check_transition before update of status on public.payments
    for each row when (old.status is distinct from new.status)
    execute function app_private.check_transition('status');

create trigger check_transition before update of status on public.refunds
    for each row when (old.status is distinct from new.status)
    execute function app_private.check_transition('status');

create trigger check_transition before update of status on public.tickets
    for each row when (old.status is distinct from new.status)
    execute function app_private.check_transition('status');

create trigger check_transition before update of stage on public.deals
    for each row when (old.stage is distinct from new.stage)
    execute function app_private.check_transition('stage');

create trigger check_transition before update of status on public.tasks
    for each row when (old.status is distinct from new.status)
    execute function app_private.check_transition('status');
