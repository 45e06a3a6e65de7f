-- As for migrations; and the migration row that a checkpoint lies behind must be there.
with x as (
    select c.*, lag(c.row_hash) over (order by c.seq) as previous, lag(c.seq) over (order by c.seq)
        as previous_seq
    from {schema}.checkpoint c
)
select (select count(*) from x)::text, b.seq::text,
    'of run ' || b.run_id || ' (' || b.moment || ')', b.previous_seq::text
from (select 1) one left join lateral (
    select * from x where x.row_hash is distinct from {hash}
        or (x.migration_seq is not null and not exists (
            select from {schema}.migration m where m.seq = x.migration_seq))
    order by x.seq limit 1
) b on true
