-- Is there a history, and where is refinery's table? $1 is the history schema's name. It is asked while
-- the role's own search path is still in force: every name and operator is qualified.
SELECT
    (EXISTS (
        SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) $1
    ))::pg_catalog.text,
    (EXISTS (
        SELECT FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE n.nspname OPERATOR(pg_catalog.=) $1 AND c.relname OPERATOR(pg_catalog.=) 'meta'
            AND c.relkind OPERATOR(pg_catalog.=) 'r'
    ))::pg_catalog.text,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')::pg_catalog.text,
    (
        SELECT pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_array(
                n.nspname,
                (
                    SELECT pg_catalog.format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
                        AND a.attname OPERATOR(pg_catalog.=) 'version' AND NOT a.attisdropped
                )
            )
            ORDER BY n.nspname
        )
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE c.relname OPERATOR(pg_catalog.=) 'refinery_schema_history'
            AND (c.relkind OPERATOR(pg_catalog.=) 'r' OR c.relkind OPERATOR(pg_catalog.=) 'p')
            AND n.nspname OPERATOR(pg_catalog.!~~) 'pg\_%'
            -- The table of another evmig history belongs to another project.
            AND (n.nspname OPERATOR(pg_catalog.=) $1 OR NOT EXISTS (
                SELECT FROM pg_catalog.pg_class m
                JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) m.oid
                    AND a.attname OPERATOR(pg_catalog.=) 'refinery_table'
                WHERE m.relnamespace OPERATOR(pg_catalog.=) n.oid
                    AND m.relname OPERATOR(pg_catalog.=) 'meta'
            ))
    )::pg_catalog.text
