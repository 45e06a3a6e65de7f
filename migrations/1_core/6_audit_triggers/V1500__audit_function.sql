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
    -- Assigned here, not in the INSERT: a function called by a simple expression is
    -- prepared once, one within a query each time.
    actor_id uuid := auth.uid();
    actor_role text := coalesce(
        auth.role(), nullif(current_setting('role', true), 'none'), session_user::text
    );
    record_id text;
    -- Columns whose values must not spread into the log.
    secret_key constant text := '(_hash$|secret|token|password)';
    -- The same in a row's text, where a key ends with a quotation mark.
    secret_text constant text := '(_hash"|secret|token|password)';
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

    -- Key by key only where the row's text says that it may be necessary: every order
    -- comes by here, and few tables have such a column.
    if before_row::text ~ secret_text then
        select jsonb_object_agg(
            b.key,
            case when b.key ~ secret_key and b.value <> 'null' then '"***"' else b.value end
        )
        into before_row
        from jsonb_each(before_row) b;
    end if;

    if after_row::text ~ secret_text then
        select jsonb_object_agg(
            a.key,
            case when a.key ~ secret_key and a.value <> 'null' then '"***"' else a.value end
        )
        into after_row
        from jsonb_each(after_row) a;
    end if;

    if tg_nargs = 0 then
        record_id := key_row ->> 'id';
    else
        select string_agg(key_row ->> k.name, ':' order by k.ord)
        into record_id
        from unnest(tg_argv) with ordinality as k (name, ord);
    end if;

    insert into public.audit_log (
        organization_id, actor_id, actor_role, action, table_name, record_id,
        changed_keys, old_values, new_values, txid
    )
    values (
        case tg_table_name
            when 'organizations' then key_row ->> 'id'
            else key_row ->> 'organization_id'
        end::uuid,
        actor_id,
        actor_role,
        tg_op,
        tg_table_name,
        record_id,
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
