encode(sha256(convert_to(jsonb_build_array(x.previous, x.seq, x.run_id, x.action,
    to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), x.actor, x.table_schema,
    x.table_name, x.trigger_name, x.state, x.of_system, x.reason,
    x.rows_of_run)::text, 'UTF8')), 'hex')
