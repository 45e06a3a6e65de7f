-- $1 run, $2 reason, $3 the rows as a JSON array of arrays: action, schema, table, trigger, state, of_system
--
-- Each row's hash covers the row before it, so that they are made one after the other.
with recursive fact as materialized (
    select nextval('{schema_literal}.trigger_state_seq'::regclass) as seq, o.*
    from (
        select e.place, $1 as run_id, e.row ->> 0 as action, t.at, session_user::text as actor,
            e.row ->> 1 as table_schema, e.row ->> 2 as table_name, e.row ->> 3 as trigger_name,
            e.row ->> 4 as state, (e.row ->> 5)::boolean as of_system, $2 as reason,
            jsonb_array_length($3::jsonb) as rows_of_run
        from (select clock_timestamp() as at) t,
            jsonb_array_elements($3::jsonb) with ordinality as e (row, place)
        order by e.place
    ) o
), chain as (
    select x.*, {hash} as row_hash
    from (
        select f.*, (
            select s.row_hash from {schema}.trigger_state s order by s.seq desc limit 1
        ) as previous
        from fact f where f.place = 1
    ) x
    union all
    select x.*, {hash}
    from (
        select f.*, c.row_hash as previous from chain c join fact f on f.place = c.place + 1
    ) x
)
insert into {schema}.trigger_state (seq, run_id, action, at, actor, table_schema, table_name,
    trigger_name, state, of_system, reason, rows_of_run, row_hash)
select seq, run_id, action, at, actor, table_schema, table_name, trigger_name, state, of_system,
    reason, rows_of_run, row_hash
from chain
