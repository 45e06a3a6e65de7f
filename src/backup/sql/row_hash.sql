encode(sha256(convert_to(jsonb_build_array(x.previous, x.seq, x.id, x.action,
    to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    to_char(x.taken_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    x.actor, x.client_version, x.host, x.path, x.manifest_sha256, x.key_id, x.bytes, x.rows,
    x.system_identifier, x.reason)::text, 'UTF8')), 'hex')
