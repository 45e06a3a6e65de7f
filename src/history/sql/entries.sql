select m.seq::text, m.version::text, m.name, m.phase, m.step, m.action, m.run_id,
    to_char(m.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), m.duration_ms::text,
    r.actor, m.reason
from {schema}.migration m left join {schema}.run r on r.id = m.run_id
order by m.seq
