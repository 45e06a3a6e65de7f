-- Every word on every migration, oldest first; the scripts stay in the database. Ordered by the number: a bare `seq`
-- would be the text that is selected.
select m.seq::text, m.key, m.version::text, m.name, m.phase_number::text, m.phase, m.step, m.run_id, m.action, m.sha256,
    m.refinery_checksum, to_char(m.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
from {schema}.migration m order by m.seq
