-- What an operator looks at, in a schema that the API does not expose. What other
-- sessions do is shown to members of pg_read_all_stats (part of pg_monitor), which on
-- Supabase the role postgres is. Others see that they are there: their kind and state
-- are null then, and they are counted by their database, which servers' own processes
-- do not have.

create schema monitoring;

comment on schema monitoring is
    'State of the database for operators. Never exposed through the API.';

revoke all on schema monitoring from public;
grant usage on schema monitoring to service_role;

create view monitoring.connections as
select
    coalesce(a.state, 'hidden') as state,
    count(*) as connections,
    max(now() - a.xact_start) as longest_transaction,
    max(now() - a.state_change) as longest_in_state,
    round(100.0 * sum(count(*)) over () / current_setting('max_connections')::integer, 1)
        as percent_of_max
from pg_catalog.pg_stat_activity a
where a.datid is not null and coalesce(a.backend_type, 'client backend') = 'client backend'
group by a.state;

comment on view monitoring.connections is
    'Client connections by state. percent_of_max is of all states together.';

create view monitoring.long_running_queries as
select
    a.pid,
    a.usename as role_name,
    a.application_name,
    a.state,
    now() - a.query_start as running_for,
    now() - a.xact_start as transaction_for,
    a.wait_event_type,
    a.wait_event,
    pg_catalog.pg_blocking_pids(a.pid) as blocked_by,
    left(a.query, 1000) as query
from pg_catalog.pg_stat_activity a
where a.backend_type = 'client backend'
    and a.state <> 'idle'
    and a.pid <> pg_catalog.pg_backend_pid()
    and now() - coalesce(a.query_start, a.xact_start) > interval '5 minutes';

comment on view monitoring.long_running_queries is
    'Queries and open transactions of more than five minutes, with who blocks them.';

create view monitoring.blocked_queries as
select
    a.pid,
    a.usename as role_name,
    now() - a.query_start as waiting_for,
    b.blocker as blocking_pid,
    other.usename as blocking_role,
    other.state as blocking_state,
    now() - other.xact_start as blocking_transaction_for,
    left(a.query, 1000) as query,
    left(other.query, 1000) as blocking_query
from pg_catalog.pg_stat_activity a
cross join lateral unnest(pg_catalog.pg_blocking_pids(a.pid)) as b (blocker)
left join pg_catalog.pg_stat_activity other on other.pid = b.blocker
where a.wait_event_type = 'Lock';

comment on view monitoring.blocked_queries is
    'Who waits for whose lock.';

create view monitoring.table_growth as
select
    s.schemaname as schema_name,
    s.relname as table_name,
    s.n_live_tup as live_rows,
    s.n_dead_tup as dead_rows,
    round(100.0 * s.n_dead_tup / nullif(s.n_live_tup + s.n_dead_tup, 0), 1) as dead_percent,
    s.n_tup_ins as inserted,
    s.n_tup_upd as updated,
    s.n_tup_hot_upd as hot_updated,
    s.n_tup_del as deleted,
    s.seq_scan,
    s.seq_tup_read,
    s.idx_scan,
    pg_catalog.pg_relation_size(s.relid) as table_bytes,
    pg_catalog.pg_indexes_size(s.relid) as index_bytes,
    pg_catalog.pg_total_relation_size(s.relid) as total_bytes,
    greatest(s.last_vacuum, s.last_autovacuum) as last_vacuum,
    greatest(s.last_analyze, s.last_autoanalyze) as last_analyze
from pg_catalog.pg_stat_user_tables s;

comment on view monitoring.table_growth is
    'Rows, changes, dead rows, scans and size of every table.';

create view monitoring.index_usage as
select
    s.schemaname as schema_name,
    s.relname as table_name,
    s.indexrelname as index_name,
    s.idx_scan as scans,
    s.idx_tup_read as entries_read,
    s.idx_tup_fetch as rows_fetched,
    pg_catalog.pg_relation_size(s.indexrelid) as index_bytes,
    i.indisunique as is_unique,
    i.indisvalid as is_valid
from pg_catalog.pg_stat_user_indexes s
join pg_catalog.pg_index i on i.indexrelid = s.indexrelid;

comment on view monitoring.index_usage is
    'How much each index is used and how large it is. One that is not valid is left over from a failed build.';

create view monitoring.database_health as
select
    d.datname as database_name,
    pg_catalog.pg_database_size(d.datid) as database_bytes,
    d.numbackends as connections,
    d.xact_commit as commits,
    d.xact_rollback as rollbacks,
    round(100.0 * d.xact_rollback / nullif(d.xact_commit + d.xact_rollback, 0), 2)
        as rollback_percent,
    round(d.blks_hit::numeric / nullif(d.blks_hit + d.blks_read, 0), 4) as cache_hit_ratio,
    d.deadlocks,
    d.temp_bytes,
    age(c.datfrozenxid) as transaction_id_age,
    d.stats_reset
from pg_catalog.pg_stat_database d
join pg_catalog.pg_database c on c.oid = d.datid
where d.datname = current_database();

comment on view monitoring.database_health is
    'Size, cache hits, rollbacks, deadlocks and age of this database since stats_reset.';

-- pg_stat_statements may be missing, may live in any schema, and may be installed but
-- not loaded: none of these is an error here.
create function monitoring.slow_statements(max_rows integer default 10)
returns table (
    query text,
    calls bigint,
    mean_ms double precision,
    total_ms double precision,
    rows_returned bigint
)
language plpgsql
stable
set search_path = ''
as $$
declare
    home text;
begin
    select n.nspname into home
    from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_stat_statements';
    if home is null then
        return;
    end if;
    for query, calls, mean_ms, total_ms, rows_returned in execute format(
        'select left(s.query, 1000), s.calls, s.mean_exec_time, s.total_exec_time, s.rows
        from %I.pg_stat_statements s
        join pg_catalog.pg_database d on d.oid = s.dbid
        where d.datname = current_database()
        order by s.mean_exec_time desc
        limit $1',
        home
    ) using max_rows
    loop
        return next;
    end loop;
exception when object_not_in_prerequisite_state or insufficient_privilege then
    return;
end
$$;

revoke all on function monitoring.slow_statements(integer) from public;
grant execute on function monitoring.slow_statements(integer) to service_role;

comment on function monitoring.slow_statements(integer) is
    'The statements of this database that take longest on average; nothing where pg_stat_statements is not in use.';

-- Rules: one number each, compared with a bound in a direction that is said.
create view monitoring.rules as
select r.name, r.value, r.comparator, r.threshold, r.severity, r.action,
    case r.comparator when '>' then r.value > r.threshold else r.value < r.threshold end as firing
from (
    select 'connections_percent'::text as name,
        (
            select round(100.0 * count(*) / current_setting('max_connections')::integer, 1)
            from pg_catalog.pg_stat_activity a
            where a.datid is not null
                and coalesce(a.backend_type, 'client backend') = 'client backend'
        ) as value,
        '>'::text as comparator, 80::numeric as threshold, 'critical'::text as severity,
        'alert-devops-team'::text as action
    union all
    select 'failed_integrations_last_hour',
        (
            select count(*)
            from public.integration_logs l
            where l.status = 'error' and l.created_at > now() - interval '1 hour'
        ),
        '>', 10, 'critical', 'alert-finance-team'
    union all
    select 'open_payment_webhooks',
        (
            select count(*)
            from public.payment_webhook_events w
            where w.processed_at is null and w.created_at < now() - interval '15 minutes'
        ),
        '>', 0, 'critical', 'alert-finance-team'
    union all
    select 'confirmed_orders_last_day',
        (
            select count(*)
            from public.orders o
            where o.order_status = 'confirmed' and o.created_at > now() - interval '1 day'
        ),
        '<', 5, 'warning', 'alert-marketing-team'
    union all
    select 'overdue_jobs',
        (
            select count(*)
            from public.scheduled_jobs j
            where j.status = 'queued' and j.run_at < now() - interval '10 minutes'
        ),
        '>', 0, 'warning', 'alert-devops-team'
    union all
    select 'invalid_indexes',
        (select count(*) from pg_catalog.pg_index i where not i.indisvalid),
        '>', 0, 'warning', 'alert-devops-team'
) r;

comment on view monitoring.rules is
    'Alert rules with their present value. Low sales are a lower bound, the others upper ones.';

revoke all on table
    monitoring.connections,
    monitoring.long_running_queries,
    monitoring.blocked_queries,
    monitoring.table_growth,
    monitoring.index_usage,
    monitoring.database_health,
    monitoring.rules
from public, anon, authenticated, service_role;

grant select on table
    monitoring.connections,
    monitoring.long_running_queries,
    monitoring.blocked_queries,
    monitoring.table_growth,
    monitoring.index_usage,
    monitoring.database_health,
    monitoring.rules
to service_role;

-- Views read as whoever asks. PostgreSQL 14 has no such views: there only the grants
-- above keep others out, and what service_role may not read itself is not in them.
do $invoker$
declare
    view_name text;
begin
    if current_setting('server_version_num')::integer < 150000 then
        return;
    end if;
    for view_name in
        select c.relname
        from pg_catalog.pg_class c
        where c.relnamespace = to_regnamespace('monitoring') and c.relkind = 'v'
        order by c.relname
    loop
        execute format('alter view monitoring.%I set (security_invoker = on)', view_name);
    end loop;
end
$invoker$;
