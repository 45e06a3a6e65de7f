encode(sha256(convert_to(coalesce(x.previous, '-') || ' ' || x.seq || ' '
    || to_char(x.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || ' '
    || coalesce(x.duration_ms::text, '-') || ' ' || {facts}, 'UTF8')), 'hex')
