-- Extensions; their members are theirs, and are not listed.
SELECT 'extension' AS kind, NULL AS schema, NULL AS parent, e.extname AS name,
       n.nspname AS in_schema, e.extversion AS version,
       CASE WHEN e.extconfig IS NOT NULL THEN (
           SELECT string_agg(x.oid::regclass::text || coalesce(' ' || nullif(x.condition, ''), ''), ', ' ORDER BY x.oid::regclass::text)
           FROM unnest(e.extconfig, e.extcondition) AS x (oid, condition)
       ) END AS config_tables,
       d.description AS comment
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_extension'::regclass AND d.objoid = e.oid AND d.objsubid = 0
