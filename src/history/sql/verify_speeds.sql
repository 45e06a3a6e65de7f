with x as (
    select s.*, lag(s.row_hash) over (order by s.seq) as previous, lag(s.seq) over (order by s.seq)
        as previous_seq
    from {schema}.speed s
)
select (select count(*) from x)::text, b.seq::text, b.key || ' on ' || b.relation,
    b.previous_seq::text
from (select 1) one left join lateral (
    select * from x where x.row_hash is distinct from {hash} order by x.seq limit 1
) b on true
