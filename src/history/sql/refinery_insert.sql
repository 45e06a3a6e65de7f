-- The row that was just written to evmig's own table is the newest one there.
insert into {refinery} (version, name, applied_on, checksum)
select m.version::{version_type}, m.name,
    to_char(m.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), m.refinery_checksum
from {schema}.migration m order by m.seq desc limit 1
