-- Sponsorship deals and tasks.

-- A package's slots are taken by deals that were won: counted as stock is, in guarded
-- updates in id order.
create function app_private.take_sponsor_slot()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    moved record;
begin
    for moved in
        select c.package_id, sum(c.amount)::integer as amount
        from (
            select new.package_id, 1 as amount where tg_op <> 'DELETE' and new.stage = 'won'
            union all
            select old.package_id, -1 where tg_op <> 'INSERT' and old.stage = 'won'
        ) c
        where c.package_id is not null
        group by c.package_id
        having sum(c.amount) <> 0
        order by c.package_id
    loop
        update public.sponsor_packages p
        set taken = p.taken + moved.amount
        where p.id = moved.package_id
            and (moved.amount < 0 or p.taken + moved.amount <= p.slots);
        if not found and moved.amount > 0 then
            perform app_private.fail(
                409, 'no_slot_left', 'all slots of the sponsor package are taken',
                'Offer another package, or add slots to this one.',
                jsonb_build_object('package_id', moved.package_id)
            );
        end if;
    end loop;
    return null;
end
$$;

revoke all on function app_private.take_sponsor_slot() from public;

comment on function app_private.take_sponsor_slot() is
    'Row trigger: deals that are won take a slot of their package, others give it back.';

create trigger take_sponsor_slot after insert or update of stage, package_id or delete
    on public.deals
    for each row execute function app_private.take_sponsor_slot();

create function app_private.close_deal()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if new.stage in ('won', 'lost') then
        if tg_op = 'INSERT' or new.stage is distinct from old.stage then
            new.closed_at := coalesce(
                case when tg_op = 'INSERT' or new.closed_at is distinct from old.closed_at
                    then new.closed_at end,
                now()
            );
        end if;
        new.probability := case new.stage when 'won' then 100 else 0 end;
    else
        new.closed_at := null;
    end if;
    if new.stage <> 'lost' then
        new.lost_reason := null;
    end if;
    return new;
end
$$;

revoke all on function app_private.close_deal() from public;

comment on function app_private.close_deal() is
    'Row trigger: closed_at and probability follow the stage.';

create trigger close_deal before insert or update on public.deals
    for each row execute function app_private.close_deal();

create function app_private.record_deal_stage()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into public.deal_stage_history (
        organization_id, deal_id, from_stage, to_stage, reason, actor_id
    )
    values (
        new.organization_id, new.id,
        case tg_op when 'UPDATE' then old.stage end,
        new.stage,
        coalesce(new.lost_reason, nullif(current_setting('app.status_reason', true), '')),
        app_private.current_profile_id()
    );
    return null;
end
$$;

revoke all on function app_private.record_deal_stage() from public;

comment on function app_private.record_deal_stage() is
    'Row trigger: writes deal_stage_history. The transaction''s setting app.status_reason says why.';

create trigger record_stage_insert after insert on public.deals
    for each row execute function app_private.record_deal_stage();

create trigger record_stage_update after update of stage on public.deals
    for each row when (old.stage is distinct from new.stage)
    execute function app_private.record_deal_stage();

-- Tasks

create function app_private.check_task()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    circle boolean;
begin
    if new.status = 'done' then
        if exists (
            select from public.tasks t
            where t.id = new.depends_on
                and t.organization_id = new.organization_id
                and t.status not in ('done', 'cancelled')
        ) and (tg_op = 'INSERT' or old.status <> 'done') then
            perform app_private.fail(
                409, 'task_blocked', 'the task waits for another one that is not done',
                'Finish that one first, or remove the dependency.',
                jsonb_build_object('depends_on', new.depends_on)
            );
        end if;
        new.completed_at := coalesce(new.completed_at, now());
    else
        new.completed_at := null;
    end if;

    if new.depends_on is not null
        and (tg_op = 'INSERT' or new.depends_on is distinct from old.depends_on)
    then
        with recursive chain as (
            select t.id, t.depends_on
            from public.tasks t
            where t.id = new.depends_on and t.organization_id = new.organization_id
            union
            select t.id, t.depends_on
            from chain c
            join public.tasks t on t.id = c.depends_on
        )
        select bool_or(c.id = new.id) into circle from chain c;
        if circle then
            perform app_private.fail(
                422, 'task_circle', 'the task would wait for itself',
                'Remove one of the dependencies.', jsonb_build_object('depends_on', new.depends_on)
            );
        end if;
    end if;
    return new;
end
$$;

revoke all on function app_private.check_task() from public;

comment on function app_private.check_task() is
    'Row trigger: no task is done before the one it waits for, none waits for itself, and completed_at follows the status.';

create trigger check_task before insert or update of status, depends_on, completed_at
    on public.tasks
    for each row execute function app_private.check_task();

-- Tasks change all day; what is kept is who moved them from where to where.
create trigger zz_audit_status after update of status on public.tasks
    for each row when (old.status is distinct from new.status)
    execute function app_private.audit_row();
