encode(sha256(convert_to((jsonb_build_array(x.previous, x.id,
    to_char(x.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), x.outcome,
    x.error, x.end_migration_hash, x.end_statement_hash) || case when x.end_checkpoint_hash is null
    then '[]' else jsonb_build_array(x.end_checkpoint_hash) end)::text, 'UTF8')), 'hex')
