-- $1 run, $2 action, $3 the copy's table, $4 schema, $5 table, $6 way, $7 columns as a JSON array, $8 rows
with x as (
    select nextval('{schema_literal}.kept_seq'::regclass) as seq, $1 as run_id, $2 as action,
        clock_timestamp() as at, session_user::text as actor, $3 as kept_table, $4 as table_schema,
        $5 as table_name, $6 as way, $7 as columns, $8::bigint as rows,
        (select k.row_hash from {schema}.kept k order by k.seq desc limit 1) as previous
)
insert into {schema}.kept (seq, run_id, action, at, actor, kept_table, table_schema, table_name,
    way, columns, rows, row_hash)
select x.seq, x.run_id, x.action, x.at, x.actor, x.kept_table, x.table_schema, x.table_name, x.way,
    x.columns, x.rows, {hash}
from x
