-- A run's row is bad where its own hash fails, or where the migration row that was the newest when
-- it began is gone: that finds rows cut off at the end, which the chain itself cannot show.
with x as (
    select r.*, lag(r.row_hash) over (order by r.seq) as previous, lag(r.seq) over (order by r.seq)
        as previous_seq
    from {schema}.run r
)
select (select count(*) from x)::text, b.seq::text, b.id || ' (' || b.command || ')',
    b.previous_seq::text
from (select 1) one left join lateral (
    select * from x
    where x.row_hash is distinct from {hash}
        or (x.migration_hash is not null and not exists (
            select from {schema}.migration m where m.row_hash = x.migration_hash))
    order by x.seq limit 1
) b on true
