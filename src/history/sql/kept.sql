-- Copies of rows that a rollback has destroyed. {schema} is the quoted history schema. Made when it is first needed;
-- append-only and hash-chained, as the rest is. The copies themselves are in a schema of their own.
set local client_min_messages = warning;
create sequence if not exists {schema}.kept_seq as bigint;
create table if not exists {schema}.kept (
    seq bigint primary key,
    run_id text not null,
    action text not null check (action in ('keep', 'restore', 'drop')),
    at timestamptz not null,
    actor text not null,
    kept_table text not null,
    table_schema text not null,
    table_name text not null,
    way text not null,
    columns text not null,
    rows bigint not null,
    row_hash text not null
);
comment on table {schema}.kept is
    'evmig: copies of rows that rollbacks have destroyed, and what became of the copies'
