-- What the catalog was, by its fingerprint, at a place among the rows of migration: behind `migration_seq`, or before
-- all of them.
create sequence {schema}.checkpoint_seq as bigint;
create table {schema}.checkpoint (
    seq bigint primary key,
    run_id text not null,
    moment text not null check (moment in ('begin', 'between', 'end')),
    migration_seq bigint,
    at timestamptz not null,
    fingerprint text not null,
    row_hash text not null
);
comment on table {schema}.checkpoint is
    'evmig: what the catalog was before, within and after each run, by its fingerprint';

-- The fingerprint is the hash of the document: the newest are kept, and no chain is needed.
create table {schema}.catalog (
    fingerprint text primary key,
    document text not null,
    keys text,
    place text
);
comment on table {schema}.catalog is
    'evmig: the catalogs that the newest checkpoints tell of, in full';
