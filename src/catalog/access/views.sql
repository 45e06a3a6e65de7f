-- What each view reads, column by column, and which commands it passes on by itself (2: UPDATE, 3: INSERT, 4: DELETE).
-- Where a trigger takes the rows instead, the table below is not asked.
SELECT vn.nspname AS schema, v.relname AS view, tn.nspname AS of_schema, t.relname AS of_name,
       jsonb_agg(a.attname ORDER BY a.attname) FILTER (WHERE a.attname IS NOT NULL)::text AS columns,
       pg_relation_is_updatable(v.oid, false)::text AS passes_on, pg_relation_is_updatable(v.oid, true)::text AS takes
FROM pg_rewrite w
JOIN pg_class v ON v.oid = w.ev_class AND v.relkind = 'v'
JOIN pg_namespace vn ON vn.oid = v.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.deptype = 'n'
    AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
LEFT JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p', 'v', 'm', 'f')
LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
WHERE w.ev_type = '1' AND {{user_schema vn}}
GROUP BY v.oid, vn.nspname, v.relname, tn.nspname, t.relname
