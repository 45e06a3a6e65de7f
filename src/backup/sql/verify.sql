with x as (
    select b.*, lag(b.row_hash) over (order by b.seq) as previous,
        lag(b.seq) over (order by b.seq) as previous_seq
    from {table} b
)
select (select count(*) from x)::text, b.seq::text, b.id || ' (' || b.action || ')', b.previous_seq::text
from (select 1) one left join lateral (
    select * from x where x.row_hash is distinct from {hash} order by x.seq limit 1
) b on true
