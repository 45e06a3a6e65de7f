-- Made on first use: a database that nobody backs up with evmig has no such table.
create schema if not exists {schema};
create table if not exists {table} (
    seq bigint primary key,
    id text not null,
    action text not null check (action in ('made', 'restored', 'waived')),
    at timestamptz not null,
    taken_at timestamptz,
    actor text not null,
    client_version text not null,
    host text not null,
    path text,
    manifest_sha256 text,
    key_id text,
    bytes bigint,
    rows bigint,
    system_identifier text,
    reason text,
    row_hash text not null
);
comment on table {table} is
    'evmig: backups that evmig backup has made of this database, what was restored from one, and runs that went on without one'
