encode(sha256(convert_to(jsonb_build_array(x.previous, x.seq, x.run_id, x.moment, x.migration_seq,
    to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), x.fingerprint)::text, 'UTF8')), 'hex')
