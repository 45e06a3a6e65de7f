-- The copies that were not dropped, oldest first, with when each was restored last.
select k.kept_table, k.table_schema, k.table_name, k.way, k.columns, k.rows::text, k.run_id, k.actor,
    to_char(k.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    to_char(r.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    pg_total_relation_size(c.oid)::text
from {schema}.kept k
left join lateral (
    select max(o.at) as at from {schema}.kept o
    where o.kept_table = k.kept_table and o.action = 'restore'
) r on true
left join pg_namespace n on n.nspname = $1
left join pg_class c on c.relname = k.kept_table and c.relnamespace = n.oid
where k.action = 'keep' and not exists (
    select from {schema}.kept d where d.kept_table = k.kept_table and d.action = 'drop')
order by k.seq
