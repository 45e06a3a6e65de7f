-- What src/pg/probe.rs wants to know; every name and operator is qualified.
SELECT pg_catalog.current_setting('server_version_num') AS version_num,
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.pg_is_in_recovery() AS standby,
       pg_catalog.current_setting('transaction_read_only') AS read_only,
       settings.default_read_only,
       settings.read_only_source,
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
       settings.deadlock_timeout,
       settings.search_path,
       settings.resets_to,
       pg_catalog.current_setting('synchronous_commit') AS synchronous_commit
  FROM pg_catalog.pg_database AS database
 CROSS JOIN pg_catalog.pg_roles AS role
 CROSS JOIN pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS activity
 CROSS JOIN (
       SELECT pg_catalog.max(s.setting) FILTER (
                WHERE s.name OPERATOR(pg_catalog.=) 'default_transaction_read_only') AS default_read_only,
              pg_catalog.max(s.source) FILTER (
                WHERE s.name OPERATOR(pg_catalog.=) 'default_transaction_read_only') AS read_only_source,
              pg_catalog.max(s.setting) FILTER (
                WHERE s.name OPERATOR(pg_catalog.=) 'deadlock_timeout') AS deadlock_timeout,
              pg_catalog.max(s.reset_val) FILTER (
                WHERE s.name OPERATOR(pg_catalog.=) 'search_path') AS search_path,
              -- What the startup message has set, and nobody since.
              COALESCE(pg_catalog.string_agg(pg_catalog.concat(s.name, '=', s.reset_val), '|') FILTER (
                WHERE s.source OPERATOR(pg_catalog.=) 'client'
                  AND s.context OPERATOR(pg_catalog.<>) 'internal'), '') AS resets_to
         FROM pg_catalog.pg_settings AS s
       ) AS settings
 WHERE database.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
   AND role.rolname OPERATOR(pg_catalog.=) CURRENT_USER
