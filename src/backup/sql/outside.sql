-- How much there is that a dump of one database does not have, or that a restore of rows leaves out.
select (select count(*) from pg_largeobject_metadata)::text,
    (select count(*) from pg_roles where rolname !~ '^pg_')::text,
    (select count(*) from pg_tablespace where spcname !~ '^pg_')::text,
    (select count(*) from pg_class where relkind = 'f')::text,
    (select count(*) from pg_class where relkind = 'm')::text,
    (select count(*) from pg_db_role_setting)::text,
    to_char(transaction_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
