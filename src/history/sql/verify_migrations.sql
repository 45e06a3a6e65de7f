-- The first migration row that does not hold, and how many rows there are. The row before is found
-- by position, so that a removed or moved row breaks the chain at its successor.
with x as (
    select m.*, lag(m.row_hash) over (order by m.seq) as previous, lag(m.seq) over (order by m.seq)
        as previous_seq
    from {schema}.migration m
)
select (select count(*) from x)::text, b.seq::text, b.key || ' ' || b.name || ' (' || b.action || ')',
    b.previous_seq::text
from (select 1) one left join lateral (
    select * from x where x.row_hash is distinct from {hash} order by x.seq limit 1
) b on true
