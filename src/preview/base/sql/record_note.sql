-- $1 are the hashes of this dry run.
insert into public.evmig_dry_run (chain) values ($1)
on conflict (only_one) do update set chain = excluded.chain
