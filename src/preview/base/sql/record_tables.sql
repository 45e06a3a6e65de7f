-- Which files the last dry run was of, and what was measured of pending files up to some state. After a crash of the
-- server they are empty.
create unlogged table if not exists public.evmig_dry_run (
    only_one boolean primary key default true check (only_one),
    chain text not null
);
create unlogged table if not exists public.evmig_dry_run_record (
    key text primary key,
    state text not null,
    record text not null,
    at timestamptz not null default pg_catalog.clock_timestamp()
)
