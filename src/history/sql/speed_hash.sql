encode(sha256(convert_to(jsonb_build_array(x.previous, x.seq, x.run_id, x.key, x.name, x.position,
    to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), x.work, x.relation, x.bytes,
    x.ms)::text, 'UTF8')), 'hex')
