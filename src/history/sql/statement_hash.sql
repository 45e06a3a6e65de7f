encode(sha256(convert_to(jsonb_build_array(x.previous, x.seq, x.key, x.run_id, x.position,
    x.state, x.sha256, to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    x.note)::text, 'UTF8')), 'hex')
