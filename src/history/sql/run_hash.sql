encode(sha256(convert_to(jsonb_build_array(x.previous, x.seq, x.id, x.command, x.phases,
    to_char(x.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), x.actor,
    x.client_version, x.git_commit, x.migration_hash)::text, 'UTF8')), 'hex')
