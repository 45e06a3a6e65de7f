with x as (
    select k.*, lag(k.row_hash) over (order by k.seq) as previous, lag(k.seq) over (order by k.seq)
        as previous_seq
    from {schema}.kept k
)
select (select count(*) from x)::text, b.seq::text, b.kept_table || ' (' || b.action || ')',
    b.previous_seq::text
from (select 1) one left join lateral (
    select * from x where x.row_hash is distinct from {hash} order by x.seq limit 1
) b on true
