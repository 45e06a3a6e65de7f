-- The end of a run has a hash of its own, since it is written later. It is bad where that hash
-- fails, or where the migration, journal or checkpoint row that was the newest at the end is gone.
-- What a history of format 1 has instead of checkpoints is filled in by who asks.
with ended as (
    select r.seq, r.id, r.command, r.row_hash as previous, r.finished_at, r.outcome, r.error,
        r.end_migration_hash, r.end_statement_hash,
        {end_checkpoint_hash} as end_checkpoint_hash, r.end_hash,
        lag(r.seq) over (order by r.seq) as previous_seq
    from {schema}.run r
)
select (select count(*) from ended where finished_at is not null)::text, b.seq::text,
    b.id || ' (' || b.command || ', its end)', b.previous_seq::text
from (select 1) one left join lateral (
    select * from ended x
    where case
            when x.finished_at is null and x.outcome is null and x.error is null
                and x.end_migration_hash is null and x.end_statement_hash is null
                and x.end_checkpoint_hash is null
                then x.end_hash is not null
            else x.end_hash is distinct from {hash}
        end
        or (x.end_migration_hash is not null and not exists (
            select from {schema}.migration m where m.row_hash = x.end_migration_hash))
        or (x.end_statement_hash is not null and not exists (
            select from {schema}.statement s where s.row_hash = x.end_statement_hash))
        or (x.end_checkpoint_hash is not null and not exists (
            select from {checkpoint} c where c.row_hash = x.end_checkpoint_hash))
    order by x.seq limit 1
) b on true
