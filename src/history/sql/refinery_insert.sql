-- $1 version, $2 name, $3 checksum; the time is that of the row in evmig's own table.
insert into {refinery} (version, name, applied_on, checksum)
values ($1::{version_type}, $2,
    to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), $3)
