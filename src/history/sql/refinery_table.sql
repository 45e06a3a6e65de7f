-- Exactly the table that refinery creates (refinery-core, traits/mod.rs).
create table {refinery} (
    version {version_type} primary key,
    name varchar(255),
    applied_on varchar(255),
    checksum varchar(255)
);
