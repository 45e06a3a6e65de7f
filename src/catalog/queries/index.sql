-- Indexes, but for those of constraints. The server's own function looks through all operator classes for each column:
-- what has nothing special about it is put together here, in the same words.
SELECT 'index' AS kind, n.nspname AS schema, t.relname AS parent, c.relname AS name, c.oid AS oid,
       coalesce(
           CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL AND c.reloptions IS NULL AND i.indnatts = i.indnkeyatts THEN
               'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(c.relname)
               || ' ON ' || CASE c.relkind WHEN 'I' THEN 'ONLY ' ELSE '' END
               || quote_ident(n.nspname) || '.' || quote_ident(t.relname)
               || CASE c.relam WHEN 403 THEN ' USING btree (' WHEN 405 THEN ' USING hash (' END
               || (
                   -- Where a column is not as expected it has no text, and neither has the index.
                   SELECT CASE WHEN count(y.text) = i.indnatts THEN string_agg(y.text, ', ') END
                   FROM (
                       SELECT (
                           SELECT CASE WHEN (a.atttypid, i.indclass[x.at]) IN (
                               -- What goes without saying. The system's own have no options.
                               SELECT o.opcintype, o.oid FROM pg_opclass o WHERE o.opcdefault AND o.oid < 16384
                               UNION ALL
                               -- As long as nobody has made one for varchar that comes before text's.
                               SELECT 'varchar'::regtype, o.oid
                               FROM pg_opclass o
                               WHERE o.opcdefault AND o.oid < 16384 AND o.opcintype = 'text'::regtype
                                   AND NOT EXISTS (
                                       SELECT FROM pg_opclass m WHERE m.opcdefault AND m.opcintype = 'varchar'::regtype
                                   )
                                   AND NOT EXISTS (
                                       SELECT FROM pg_cast m
                                       WHERE m.castsource = 'varchar'::regtype AND m.oid >= 16384 AND m.castcontext = 'i'
                                   )
                           ) THEN
                               quote_ident(a.attname) || CASE i.indoption[x.at]
                                   WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST' WHEN 3 THEN ' DESC' ELSE ''
                               END
                           END
                           FROM pg_attribute a
                           WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[x.at]
                               AND i.indcollation[x.at] IN (0, a.attcollation)
                       ) AS text
                       FROM generate_series(0, i.indnatts - 1) AS x (at)
                       OFFSET 0
                   ) AS y
               ) || ')' {{if 150000}}|| CASE WHEN i.indnullsnotdistinct THEN ' NULLS NOT DISTINCT' ELSE '' END{{end}}
           END,
           pg_get_indexdef(c.oid)
       ) AS definition,
       CASE WHEN NOT i.indisvalid THEN 'no' END AS valid,
       CASE WHEN NOT i.indisready THEN 'no' END AS ready,
       CASE WHEN i.indisclustered THEN 'yes' END AS clustered,
       CASE WHEN i.indisreplident THEN 'yes' END AS replica_identity,
       CASE WHEN c.relispartition THEN p.inhparent::regclass::text END AS attached_to,
       CASE WHEN c.reltablespace <> 0 THEN (SELECT ts.spcname FROM pg_tablespace ts WHERE ts.oid = c.reltablespace) END
           AS tablespace,
       -- Only an expression can have them.
       CASE WHEN i.indexprs IS NOT NULL THEN (
           SELECT string_agg(a.attnum || ': ' || a.attstattarget, ', ' ORDER BY a.attnum)
           FROM pg_attribute a
           WHERE a.attrelid = c.oid AND nullif(a.attstattarget, -1) IS NOT NULL
       ) END AS statistics,
       d.description AS comment
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind IN ('i', 'I')
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_inherits p ON p.inhrelid = c.oid
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE k.oid IS NULL AND t.relkind IN ('r', 'p', 'm') AND {{user_schema n}}
    AND {{no_member pg_class c.oid}} AND {{no_member pg_class t.oid}}
