-- $3 was measured up to the state whose hash is $1, where roles and the rest are as $2 says. Of the others the newest
-- two stay.
with old as (
    delete from public.evmig_dry_run_record
    where key <> $1
        and (state <> $2 or key not in (
            select newest.key from public.evmig_dry_run_record newest order by newest.at desc limit 2
        ))
)
insert into public.evmig_dry_run_record (key, state, record)
values ($1, $2, $3)
on conflict (key) do update
set state = excluded.state, record = excluded.record, at = excluded.at
