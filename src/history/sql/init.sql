-- What evmig remembers in the database it migrates. {schema} is the quoted history schema.
-- Every table is append-only and hash-chained: row_hash covers the row and the row before it.
-- A foreign key to run would say less than the hashes do, and took longer than the rest of the row.
create schema if not exists {schema};

create table {schema}.meta (
    singleton boolean primary key default true check (singleton),
    format integer not null,
    refinery_table text not null,
    last_run_hash text,
    created_at timestamptz not null default pg_catalog.clock_timestamp()
);
comment on table {schema}.meta is
    'evmig: version of this schema''s format, where refinery''s table is, the newest run''s hash';

create sequence {schema}.run_seq as bigint;
create table {schema}.run (
    seq bigint primary key,
    id text not null unique,
    command text not null,
    phases text[] not null,
    started_at timestamptz not null,
    actor text not null,
    client_version text not null,
    git_commit text,
    migration_hash text,
    row_hash text not null,
    finished_at timestamptz,
    outcome text check (outcome in ('applied', 'nothing_to_do', 'failed', 'interrupted', 'unknown')),
    error text,
    end_migration_hash text,
    end_statement_hash text,
    end_checkpoint_hash text,
    end_hash text
);
comment on table {schema}.run is 'evmig: one row for each invocation that could change the database';

create sequence {schema}.migration_seq as bigint;
create table {schema}.migration (
    seq bigint primary key,
    key text not null,
    version bigint,
    name text not null,
    phase_number integer not null,
    phase text not null,
    step text not null,
    run_id text not null,
    action text not null,
    at timestamptz not null,
    duration_ms double precision,
    statements integer not null,
    sha256 text not null,
    refinery_checksum text,
    journal_seq bigint,
    reason text,
    up_sql text,
    down_sql text,
    row_hash text not null
);
create index migration_key on {schema}.migration (key, seq);
-- Scripts are written with every migration and read by people: compressing them took longer than the rest
-- of the row.
alter table {schema}.migration alter column up_sql set storage external,
    alter column down_sql set storage external;
comment on table {schema}.migration is
    'evmig: what happened to each migration, with its script and rollback script as they were';

create sequence {schema}.statement_seq as bigint;
create table {schema}.statement (
    seq bigint primary key,
    key text not null,
    run_id text not null,
    position integer not null,
    state text not null check (state in ('intent', 'done', 'failed')),
    sha256 text not null,
    at timestamptz not null,
    note text,
    row_hash text not null
);
create index statement_key on {schema}.statement (key, seq);
comment on table {schema}.statement is
    'evmig: journal of migrations that cannot run in one transaction: intent before, result after';

{checkpoints}
insert into {schema}.meta (format, refinery_table) values ({format}, {refinery_literal});
