encode(sha256(convert_to(jsonb_build_array(x.previous, x.seq, x.run_id, x.action,
    to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), x.actor, x.kept_table,
    x.table_schema, x.table_name, x.way, x.columns, x.rows)::text, 'UTF8')), 'hex')
