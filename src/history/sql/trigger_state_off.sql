-- The triggers whose last word is that they were switched off.
select l.table_schema, l.table_name, l.trigger_name, l.state, l.of_system::text, l.run_id, l.actor,
    to_char(l.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
from (
    select distinct on (s.table_schema, s.table_name, s.trigger_name) s.*
    from {schema}.trigger_state s
    order by s.table_schema, s.table_name, s.trigger_name, s.seq desc
) l
where l.action = 'disable'
order by l.table_schema, l.table_name, l.trigger_name
