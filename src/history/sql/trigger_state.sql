-- Triggers that are switched off beyond a transaction, each with the state that it had. {schema} is the quoted history
-- schema. Made when it is first needed; append-only and hash-chained, as the rest is. D is the state of a partition's
-- copy that was off already: it tells it from the copies of partitions that come later.
set local client_min_messages = warning;
create sequence if not exists {schema}.trigger_state_seq as bigint;
create table if not exists {schema}.trigger_state (
    seq bigint primary key,
    run_id text not null,
    action text not null check (action in ('disable', 'enable', 'gone')),
    at timestamptz not null,
    actor text not null,
    table_schema text not null,
    table_name text not null,
    trigger_name text not null,
    state text not null check (state in ('O', 'R', 'A', 'D')),
    of_system boolean not null,
    reason text,
    rows_of_run integer not null,
    row_hash text not null
);
comment on table {schema}.trigger_state is
    'evmig: triggers that were switched off and on again, with the state that each had before'
