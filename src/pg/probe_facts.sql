-- What src/pg/probe.rs wants to know; every name and operator is qualified.
SELECT pg_catalog.current_setting('server_version_num') AS version_num,
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.pg_is_in_recovery() AS standby,
       pg_catalog.current_setting('transaction_read_only') AS read_only,
       pg_catalog.pg_encoding_to_char(database.encoding) AS encoding,
       pg_catalog.current_setting('standard_conforming_strings') AS standard_conforming_strings,
       pg_catalog.pg_backend_pid() AS backend_pid,
       -- Hidden from a role that a role setting made of the one that logged in.
       COALESCE(pg_catalog.date_part('epoch', activity.backend_start), 0) AS backend_started,
       pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) AS server_started,
       database.datname AS database,
       SESSION_USER AS session_user,
       CURRENT_USER AS current_user,
       role.rolsuper AS superuser,
       role.rolcreaterole OR role.rolsuper AS can_create_role,
       pg_catalog.has_database_privilege(database.oid, 'CREATE') AS can_create_schema,
       pg_catalog.pg_has_role(database.datdba, 'USAGE') AS owns_database,
       COALESCE(activity.application_name, '') AS application_name,
       -- "1s", "500ms": an interval, too.
       pg_catalog.date_part('epoch',
           pg_catalog.current_setting('deadlock_timeout')::pg_catalog.interval) AS deadlock_timeout
  FROM pg_catalog.pg_database AS database
 CROSS JOIN pg_catalog.pg_roles AS role
 CROSS JOIN pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS activity
 WHERE database.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND role.rolname OPERATOR(pg_catalog.=) CURRENT_USER
