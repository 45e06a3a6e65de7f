-- The audit log, the log of calls to other systems, and the keeper of month partitions.

create table public.audit_log (
    id uuid not null default gen_random_uuid(),
    created_at timestamptz not null default now(),
    organization_id uuid,
    actor_id uuid,
    actor_role text,
    action text not null
        check (action in ('INSERT', 'UPDATE', 'DELETE')),
    table_name text not null
        check (table_name <> ''),
    record_id text not null
        check (record_id <> ''),
    changed_keys text[],
    old_values jsonb,
    new_values jsonb,
    txid bigint not null,
    constraint audit_log_pkey primary key (created_at, id)
) partition by range (created_at);

comment on table public.audit_log is
    'Who changed what, and when. Written by triggers only; one partition per month (UTC), so that retention drops a partition.';
comment on column public.audit_log.organization_id is
    'The row''s tenant; no foreign key: the log outlives the tenant. Null: a row of no tenant.';
comment on column public.audit_log.actor_id is
    'The account in the request''s token; null for servers and migrations. No foreign key: the log outlives the account.';
comment on column public.audit_log.actor_role is
    'The role in the request''s token, else the database role.';
comment on column public.audit_log.record_id is
    'The row''s key as text; several key columns are joined by a colon.';
comment on column public.audit_log.changed_keys is
    'UPDATE only: the columns that changed, without updated_at.';
comment on column public.audit_log.old_values is
    'UPDATE: changed columns before; DELETE: the whole row. Secrets are masked.';
comment on column public.audit_log.new_values is
    'UPDATE: changed columns after; INSERT: the whole row. Secrets are masked.';
comment on column public.audit_log.txid is
    'The transaction''s 64-bit id: rows of one transaction belong together.';

-- Partitions live where the API does not look; only public.audit_log is read.
create table app_private.audit_log_default partition of public.audit_log default;

comment on table app_private.audit_log_default is
    'Entries of months that have no partition of their own yet: nothing is ever refused.';

-- The later partitions get this from ensure_month_partitions().
alter table app_private.audit_log_default enable row level security;

-- Which tables are kept in month partitions, and for how long. An operator changes the
-- figures here; the functions below follow.
create table app_private.partitioned_tables (
    table_name text not null
        check (table_name ~ '^[a-z][a-z0-9_]{0,50}$'),
    months_ahead integer not null
        check (months_ahead between 1 and 120),
    retention_months integer
        check (retention_months between 1 and 1200),
    constraint partitioned_tables_pkey primary key (table_name)
);

comment on table app_private.partitioned_tables is
    'Tables of schema public that are partitioned by month, for maintain_month_partitions().';
comment on column app_private.partitioned_tables.months_ahead is
    'Months after the current one that have their partition already.';
comment on column app_private.partitioned_tables.retention_months is
    'Whole months before the current one that are kept; null: for ever.';

-- Makes the month partitions that cover [from_month, to_month). A new table is
-- attached rather than created in place: that lets readers and writers of the
-- parent go on, except those who need the default partition, which is scanned.
-- Rows that the default partition caught meanwhile move along. Where the parent has
-- foreign keys, attaching also holds up writers of the tables they refer to, briefly.
create function app_private.ensure_month_partitions(
    parent text, from_month date, to_month date
)
returns setof text
language plpgsql
set search_path = ''
-- Months are UTC's, however the session is set.
set timezone = 'UTC'
as $$
declare
    first_day date := date_trunc('month', from_month)::date;
    next_day date;
    key_column name;
    part_name text;
begin
    if from_month is null or to_month is null or to_month <= from_month then
        raise exception 'no month between % and %', from_month, to_month
            using errcode = 'invalid_parameter_value',
                hint = 'Give the first month and the month after the last one.';
    end if;
    if not exists (
        select from app_private.partitioned_tables p where p.table_name = parent
    ) then
        raise exception 'table % is not kept in month partitions', parent
            using errcode = 'invalid_parameter_value',
                hint = 'They are listed in app_private.partitioned_tables.';
    end if;

    -- The one partition column; the comparisons below take it for a timestamptz.
    select a.attname into strict key_column
    from pg_catalog.pg_partitioned_table t
    join pg_catalog.pg_attribute a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
    where t.partrelid = format('public.%I', parent)::regclass
        and t.partstrat = 'r'
        and t.partnatts = 1
        and a.atttypid = 'pg_catalog.timestamptz'::regtype;

    while first_day < to_month loop
        next_day := (first_day + interval '1 month')::date;
        part_name := parent || '_' || to_char(first_day, 'YYYY_MM');

        if to_regclass(format('app_private.%I', part_name)) is null then
            execute format(
                'create table app_private.%I (like public.%I including all)',
                part_name, parent
            );
            execute format(
                'comment on table app_private.%I is %L',
                part_name, parent || ' of ' || to_char(first_day, 'YYYY-MM') || ' (UTC).'
            );
            execute format('alter table app_private.%I enable row level security', part_name);
            execute format(
                'revoke all on table app_private.%I from public, anon, authenticated, service_role',
                part_name
            );
            execute format(
                'with moved as (
                    delete from app_private.%1$I
                    where %2$I >= %3$L::timestamptz and %2$I < %4$L::timestamptz
                    returning *
                )
                insert into app_private.%5$I select * from moved',
                parent || '_default', key_column, first_day, next_day, part_name
            );
            execute format(
                'alter table public.%I attach partition app_private.%I for values from (%L) to (%L)',
                parent, part_name, first_day::timestamptz, next_day::timestamptz
            );
            return next part_name;
        end if;
        first_day := next_day;
    end loop;
end
$$;

revoke all on function app_private.ensure_month_partitions(text, date, date) from public;

comment on function app_private.ensure_month_partitions(text, date, date) is
    'Makes the missing month partitions of a table from the month of the first date up to, not including, the second date; returns their names. For the owner.';

-- Only what is a partition today, is named after its month and has exactly that
-- month's bounds is dropped: nobody's archive, and nothing made by hand. It goes while
-- it is attached: a detached one gets foreign keys of its own, and dropping those locks
-- the tables they refer to against everybody; like this only the parent is.
create function app_private.drop_month_partitions(parent text, before_month date)
returns setof text
language plpgsql
set search_path = ''
set timezone = 'UTC'
as $$
declare
    keep_from date := date_trunc('month', before_month)::date;
    retention integer;
    expired record;
begin
    select p.retention_months into retention
    from app_private.partitioned_tables p
    where p.table_name = parent;
    if not found then
        raise exception 'table % is not kept in month partitions', parent
            using errcode = 'invalid_parameter_value',
                hint = 'They are listed in app_private.partitioned_tables.';
    end if;
    if before_month is null then
        raise exception 'no month given'
            using errcode = 'invalid_parameter_value',
                hint = 'Give the first month that is to stay.';
    end if;
    if retention is null
        or keep_from > (date_trunc('month', now()) - make_interval(months => retention))::date
    then
        raise exception 'months from % on of table % are within its retention',
            coalesce(
                to_char(
                    date_trunc('month', now()) - make_interval(months => retention), 'YYYY-MM'
                ),
                'the first'
            ), parent
            using errcode = 'invalid_parameter_value',
                hint = 'The retention is set in app_private.partitioned_tables.';
    end if;

    for expired in
        select c.relname::text as part_name
        from pg_catalog.pg_inherits i
        join pg_catalog.pg_class c on c.oid = i.inhrelid
        cross join lateral (
            select to_date(right(c.relname, 7), 'YYYY_MM') as first_day
            where c.relname ~ ('^' || parent || '_[0-9]{4}_(0[1-9]|1[0-2])$')
        ) as m
        where i.inhparent = format('public.%I', parent)::regclass
            and c.relnamespace = 'app_private'::regnamespace
            and m.first_day < keep_from
            and pg_catalog.pg_get_expr(c.relpartbound, c.oid) = format(
                'FOR VALUES FROM (%L) TO (%L)',
                m.first_day::timestamptz, (m.first_day + interval '1 month')::timestamptz
            )
        order by m.first_day
    loop
        execute format('drop table app_private.%I', expired.part_name);
        return next expired.part_name;
    end loop;
end
$$;

revoke all on function app_private.drop_month_partitions(text, date) from public;

comment on function app_private.drop_month_partitions(text, date) is
    'Drops the month partitions of a table that lie before the given month; returns their names. Refuses a month within the retention. For the owner.';

-- SECURITY DEFINER, because the job that calls it every day need not own the tables;
-- it decides nothing that app_private.partitioned_tables does not say.
create function app_private.maintain_month_partitions()
returns table (table_name text, action text, subject text)
language plpgsql
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
    this_month constant date := date_trunc('month', now())::date;
    managed record;
    keep_from date;
    key_column name;
    caught_months date[];
    caught date;
    deleted bigint;
begin
    -- Two at once would make the same months; the second one waits, and finds them made.
    lock table app_private.partitioned_tables in share row exclusive mode;

    for managed in
        select p.table_name, p.months_ahead, p.retention_months
        from app_private.partitioned_tables p
        order by p.table_name
    loop
        table_name := managed.table_name;
        keep_from := (this_month - make_interval(months => managed.retention_months))::date;

        action := 'made';
        for subject in
            select e.name
            from app_private.ensure_month_partitions(
                managed.table_name,
                this_month,
                (this_month + make_interval(months => managed.months_ahead + 1))::date
            ) as e (name)
        loop
            return next;
        end loop;

        -- What the default partition caught: months to keep get their partition,
        -- rows past the retention go.
        select a.attname into strict key_column
        from pg_catalog.pg_partitioned_table t
        join pg_catalog.pg_attribute a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
        where t.partrelid = format('public.%I', managed.table_name)::regclass;

        if keep_from is not null then
            execute format(
                'delete from app_private.%I where %I < %L::timestamptz',
                managed.table_name || '_default', key_column, keep_from
            );
            get diagnostics deleted = row_count;
            if deleted > 0 then
                action := 'deleted rows of';
                subject := managed.table_name || '_default';
                return next;
            end if;
        end if;

        execute format(
            'select array(
                select distinct date_trunc(''month'', %1$I)::date
                from app_private.%2$I
                where isfinite(%1$I)
                order by 1
            )',
            key_column, managed.table_name || '_default'
        ) into caught_months;
        action := 'made';
        foreach caught in array caught_months loop
            for subject in
                select e.name
                from app_private.ensure_month_partitions(
                    managed.table_name, caught, (caught + interval '1 month')::date
                ) as e (name)
            loop
                return next;
            end loop;
        end loop;

        if keep_from is not null then
            action := 'dropped';
            for subject in
                select d.name
                from app_private.drop_month_partitions(managed.table_name, keep_from) as d (name)
            loop
                return next;
            end loop;
        end if;
    end loop;
end
$$;

revoke all on function app_private.maintain_month_partitions() from public;
grant execute on function app_private.maintain_month_partitions() to service_role;

comment on function app_private.maintain_month_partitions() is
    'Makes the month partitions that are due and drops those past their retention; returns what it did, one row each. Meant to be called once a day, with a lock_timeout.';

-- PCI DSS asks for one year of audit trail; two leave room to look back.
insert into app_private.partitioned_tables (table_name, months_ahead, retention_months)
values ('audit_log', 6, 24);

-- A fixed range: the same file must leave the same schema whenever it runs.
-- Maintenance adds the months to come; until then the default partition takes them.
select app_private.ensure_month_partitions('audit_log', '2026-11-01', '2027-05-01');

create table public.integration_logs (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid,
    integration text not null
        check (integration ~ '^[a-z][a-z0-9_]{0,62}$'),
    direction text not null default 'outbound'
        check (direction in ('inbound', 'outbound')),
    operation text
        check (btrim(operation) <> '' and char_length(operation) <= 200),
    status text not null
        check (status in ('pending', 'success', 'error')),
    http_status integer
        check (http_status between 100 and 599),
    latency_ms integer
        check (latency_ms >= 0),
    error text
        check (char_length(error) <= 10000),
    request_id text
        check (char_length(request_id) <= 200),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint integration_logs_tenant_key unique (organization_id, id),
    constraint integration_logs_organization_fkey foreign key (organization_id)
        references public.organizations (id) on delete cascade
);

comment on table public.integration_logs is
    'Calls to and from other systems, one row per call; monitoring counts status error.';
comment on column public.integration_logs.organization_id is
    'Null: the call belongs to no tenant, or failed before that was known.';
comment on column public.integration_logs.error is
    'What went wrong, without secrets and without personal data.';
comment on column public.integration_logs.request_id is
    'The other system''s id of the call, for its support.';

revoke all on table
    public.audit_log,
    app_private.audit_log_default,
    app_private.partitioned_tables,
    public.integration_logs
from public, anon, authenticated, service_role;
