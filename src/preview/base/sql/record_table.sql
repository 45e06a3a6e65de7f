-- What the database that is kept was made from and what was measured in making it; one row. After a crash of the
-- server it is empty, and the database is not taken for what it was.
create unlogged table if not exists public.evmig_dry_run (
    only_one boolean primary key default true check (only_one),
    chain text,
    key text,
    record text
)
