-- Indexes, but for those of constraints.
SELECT 'index' AS kind, n.nspname AS schema, t.relname AS parent, c.relname AS name,
       pg_get_indexdef(c.oid) AS definition,
       CASE WHEN NOT i.indisvalid THEN 'no' END AS valid,
       CASE WHEN NOT i.indisready THEN 'no' END AS ready,
       CASE WHEN i.indisclustered THEN 'yes' END AS clustered,
       CASE WHEN i.indisreplident THEN 'yes' END AS replica_identity,
       CASE WHEN c.relispartition THEN p.inhparent::regclass::text END AS attached_to,
       ts.spcname AS tablespace,
       CASE WHEN i.indnkeyatts > 0 AND EXISTS (
           SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND nullif(a.attstattarget, -1) IS NOT NULL
       ) THEN (
           SELECT string_agg(a.attnum || ': ' || a.attstattarget, ', ' ORDER BY a.attnum)
           FROM pg_attribute a
           WHERE a.attrelid = c.oid AND nullif(a.attstattarget, -1) IS NOT NULL
       ) END AS statistics,
       d.description AS comment
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_inherits p ON p.inhrelid = c.oid
LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE k.oid IS NULL AND t.relkind IN ('r', 'p', 'm') AND {{user_schema n}}
    AND {{no_member pg_class c.oid}} AND {{no_member pg_class t.oid}}
