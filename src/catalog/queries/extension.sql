-- Extensions; their members are theirs, and are not listed.
SELECT 'extension' AS kind, NULL AS schema, NULL AS parent, e.extname AS name,
       n.nspname AS in_schema, e.extversion AS version,
       CASE WHEN e.extconfig IS NOT NULL THEN (
           SELECT string_agg(x.oid::regclass::text || coalesce(' ' || nullif(x.condition, ''), ''), ', ' ORDER BY x.oid::regclass::text)
           FROM unnest(e.extconfig, e.extcondition) AS x (oid, condition)
       ) END AS config_tables,
       -- ALTER … DEPENDS ON EXTENSION: they go when it goes, without being a part of it.
       (
           SELECT string_agg(o.type || ' ' || o.identity, ', ' ORDER BY o.type, o.identity)
           FROM pg_depend x
           CROSS JOIN LATERAL pg_identify_object(x.classid, x.objid, x.objsubid) AS o
           WHERE x.refclassid = 'pg_extension'::regclass AND x.refobjid = e.oid AND x.deptype = 'x'
       ) AS dependents,
       d.description AS comment
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_extension'::regclass AND d.objoid = e.oid AND d.objsubid = 0
