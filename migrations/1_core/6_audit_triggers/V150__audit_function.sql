-- SECURITY DEFINER: the log is writable by its owner alone, and the caller of the
-- triggering statement is somebody else. auth.uid() reads the request's settings
-- and therefore still names that caller.

create function app_private.audit_row()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
    before_row jsonb;
    after_row jsonb;
    key_row jsonb;
    changed text[];
    -- Columns whose values must not spread into the log.
    secret constant text := '(_hash$|secret|token|password)';
begin
    if tg_op <> 'INSERT' then
        before_row := to_jsonb(old);
    end if;
    if tg_op <> 'DELETE' then
        after_row := to_jsonb(new);
    end if;
    -- A row is filed under the key it had when it was touched.
    key_row := coalesce(before_row, after_row);

    if tg_op = 'UPDATE' then
        select
            array_agg(a.key order by a.key),
            jsonb_object_agg(a.key, before_row -> a.key),
            jsonb_object_agg(a.key, a.value)
        into changed, before_row, after_row
        from jsonb_each(after_row) a
        where a.key <> 'updated_at'
            and a.value is distinct from before_row -> a.key;
        if changed is null then
            return null;
        end if;
    end if;

    select jsonb_object_agg(
        b.key,
        case when b.key ~ secret and b.value <> 'null' then '"***"' else b.value end
    )
    into before_row
    from jsonb_each(before_row) b;

    select jsonb_object_agg(
        a.key,
        case when a.key ~ secret and a.value <> 'null' then '"***"' else a.value end
    )
    into after_row
    from jsonb_each(after_row) a;

    insert into public.audit_log (
        organization_id, actor_id, actor_role, action, table_name, record_id,
        changed_keys, old_values, new_values, txid
    )
    values (
        case tg_table_name
            when 'organizations' then key_row ->> 'id'
            else key_row ->> 'organization_id'
        end::uuid,
        (select auth.uid()),
        coalesce(
            (select auth.role()),
            nullif(current_setting('role', true), 'none'),
            session_user::text
        ),
        tg_op,
        tg_table_name,
        case tg_nargs
            when 0 then key_row ->> 'id'
            else (
                select string_agg(key_row ->> k.name, ':' order by k.ord)
                from unnest(tg_argv) with ordinality as k (name, ord)
            )
        end,
        changed,
        before_row,
        after_row,
        txid_current()
    );
    return null;
end
$$;

revoke all on function app_private.audit_row() from public;

comment on function app_private.audit_row() is
    'Row trigger: writes the change to audit_log. Arguments: the key columns, where they are not id. No change but updated_at is no entry.';
