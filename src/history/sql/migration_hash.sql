encode(sha256(convert_to(jsonb_build_array(x.previous, x.seq, x.key, x.version, x.name,
    x.phase_number, x.phase, x.step, x.run_id, x.action,
    to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), x.duration_ms, x.statements,
    x.sha256, x.refinery_checksum, x.journal_seq, x.reason,
    encode(sha256(convert_to(x.up_sql, 'UTF8')), 'hex'),
    encode(sha256(convert_to(x.down_sql, 'UTF8')), 'hex'))::text, 'UTF8')), 'hex')
