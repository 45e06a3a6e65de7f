, refinery as (
    insert into {refinery} (version, name, applied_on, checksum)
    select r.version::{version_type}, r.name,
        to_char(r.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), r.refinery_checksum
    from recorded r where r.version is not null
    on conflict (version) do update set name = excluded.name, checksum = excluded.checksum
)
