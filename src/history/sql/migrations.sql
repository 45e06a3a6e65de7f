-- Every word on every migration, oldest first; the scripts stay in the database. `order by seq` alone would mean
-- the text of the first column: 100 before 99.
select seq::text, key, version::text, name, phase_number::text, phase, step, run_id, action, sha256,
    refinery_checksum, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
from {schema}.migration m order by m.seq
