-- Is there a history, and where is refinery's table? $1 is the history schema's name. It is asked while
-- the role's own search path is still in force: every name and operator is qualified.
--
-- Each table that may be one of ours or refinery's, with the type of the column that tells, and the ledger of
-- triggers, which is there or not: the rest is
-- decided by who asks, since planning a cleverer query takes longer than running this one.
SELECT
    (EXISTS (
        SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) $1
    ))::pg_catalog.text,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')::pg_catalog.text,
    (
        SELECT pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_array(n.nspname, c.relname, c.relkind,
                pg_catalog.format_type(a.atttypid, NULL))
            ORDER BY n.nspname
        )
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
            AND NOT a.attisdropped AND a.attname OPERATOR(pg_catalog.=)
                CASE WHEN c.relname OPERATOR(pg_catalog.=) 'meta' THEN 'refinery_table'
                    ELSE 'version' END
        WHERE c.relname OPERATOR(pg_catalog.=) ANY (
            ARRAY['meta', 'refinery_schema_history', 'trigger_state'])
            AND n.nspname OPERATOR(pg_catalog.!~~) 'pg\_%'
    )::pg_catalog.text
