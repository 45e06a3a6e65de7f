encode(sha256(convert_to(jsonb_build_array(x.key, x.version::text, x.name, x.phase_number::text,
    x.phase, x.step, x.run_id, x.action, x.sha256, x.refinery_checksum, x.statements::text,
    x.reason, x.journal_seq::text, encode(sha256(convert_to(x.up_sql, 'UTF8')), 'hex'),
    encode(sha256(convert_to(x.down_sql, 'UTF8')), 'hex'))::text, 'UTF8')), 'hex')
