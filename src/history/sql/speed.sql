-- How long statements over whole tables took. {schema} is the quoted history schema. Made when the first one is
-- remembered; append-only and hash-chained, as the rest is.
set local client_min_messages = warning;
create sequence if not exists {schema}.speed_seq as bigint;
create table if not exists {schema}.speed (
    seq bigint primary key,
    run_id text not null,
    key text not null,
    name text not null,
    position integer not null,
    at timestamptz not null,
    work text not null check (work in ('scan', 'rewrite', 'index_build')),
    relation text not null,
    bytes bigint not null,
    ms bigint not null,
    row_hash text not null
);
comment on table {schema}.speed is
    'evmig: how long statements over whole tables took; estimates of a dry run rest on it'
