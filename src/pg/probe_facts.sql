-- What src/pg/probe.rs wants to know; every name is qualified. No table is read: this is the first thing
-- that a session does, and each relation that it meets costs it more than all of these functions.
SELECT pg_catalog.current_setting('server_version_num') AS version_num,
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.pg_is_in_recovery() AS standby,
       pg_catalog.current_setting('transaction_read_only') AS read_only,
       pg_catalog.current_setting('server_encoding') AS encoding,
       pg_catalog.current_setting('standard_conforming_strings') AS standard_conforming_strings,
       pg_catalog.pg_backend_pid() AS backend_pid,
       pg_catalog.current_database() AS database,
       SESSION_USER AS session_user,
       CURRENT_USER AS current_user,
       pg_catalog.current_setting('is_superuser') AS superuser,
       pg_catalog.current_setting('application_name') AS application_name,
       -- "1s", "500ms": an interval, too.
       pg_catalog.date_part('epoch',
           pg_catalog.current_setting('deadlock_timeout')::pg_catalog.interval) AS deadlock_timeout
