-- A row is bad where its hash fails, where its run is not there, or where not all rows of its run are: that finds
-- rows cut off at the end.
with x as (
    select s.*, lag(s.row_hash) over (order by s.seq) as previous, lag(s.seq) over (order by s.seq)
        as previous_seq
    from {schema}.trigger_state s
)
select (select count(*) from x)::text, b.seq::text,
    b.table_schema || '.' || b.table_name || ' ' || b.trigger_name || ' (' || b.action || ')',
    b.previous_seq::text
from (select 1) one left join lateral (
    select * from x
    where x.row_hash is distinct from {hash}
        or not exists (select from {schema}.run r where r.id = x.run_id)
        or x.rows_of_run <> (select count(*) from {schema}.trigger_state o where o.run_id = x.run_id)
    order by x.seq limit 1
) b on true
