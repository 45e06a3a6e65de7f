-- The audit log and the log of calls to other systems.

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

-- Makes the month partitions that cover [from_month, to_month). A new table is
-- attached rather than created in place: that lets readers and writers of the
-- log go on, except those who need the default partition, which is scanned.
-- Entries that the default partition caught meanwhile move along.
create function app_private.ensure_audit_partitions(from_month date, to_month date)
returns integer
language plpgsql
set search_path = ''
as $$
declare
    first_day date := date_trunc('month', from_month)::date;
    next_day date;
    part_name text;
    lower_bound text;
    upper_bound text;
    made integer := 0;
begin
    if from_month is null or to_month is null or to_month <= from_month then
        raise exception 'no month between % and %', from_month, to_month
            using errcode = 'invalid_parameter_value',
                hint = 'Give the first month and the month after the last one.';
    end if;

    while first_day < to_month loop
        next_day := (first_day + interval '1 month')::date;
        part_name := 'audit_log_' || to_char(first_day, 'YYYY_MM');
        lower_bound := to_char(first_day, 'YYYY-MM-DD') || ' 00:00:00+00';
        upper_bound := to_char(next_day, 'YYYY-MM-DD') || ' 00:00:00+00';

        if to_regclass(format('app_private.%I', part_name)) is null then
            execute format(
                'create table app_private.%I (like public.audit_log including all)',
                part_name
            );
            execute format(
                'comment on table app_private.%I is %L',
                part_name, 'Audit log of ' || to_char(first_day, 'YYYY-MM') || ' (UTC).'
            );
            execute format('alter table app_private.%I enable row level security', part_name);
            execute format(
                'revoke all on table app_private.%I from public, anon, authenticated, service_role',
                part_name
            );
            execute format(
                'with moved as (
                    delete from app_private.audit_log_default
                    where created_at >= %1$L::timestamptz and created_at < %2$L::timestamptz
                    returning *
                )
                insert into app_private.%3$I select * from moved',
                lower_bound, upper_bound, part_name
            );
            execute format(
                'alter table public.audit_log attach partition app_private.%I for values from (%L) to (%L)',
                part_name, lower_bound, upper_bound
            );
            made := made + 1;
        end if;
        first_day := next_day;
    end loop;
    return made;
end
$$;

revoke all on function app_private.ensure_audit_partitions(date, date) from public;

comment on function app_private.ensure_audit_partitions(date, date) is
    'Makes the missing month partitions of audit_log from the month of the first date up to, not including, the second date; returns how many. For the owner.';

-- A fixed range: the same file must leave the same schema whenever it runs.
-- Maintenance adds the months to come; until then the default partition takes them.
select app_private.ensure_audit_partitions('2026-11-01', '2027-05-01');

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
    public.integration_logs
from public, anon, authenticated, service_role;
