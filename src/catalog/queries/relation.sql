-- Tables, views, materialized views, foreign tables, and sequences (whose numbers are in sequence.sql).
SELECT CASE c.relkind
           WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
           WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence'
       END AS kind,
       n.nspname AS schema, NULL AS parent, c.relname AS name, c.oid AS oid,
       pg_get_userbyid(c.relowner) AS owner,
       c.relacl::text AS acl,
       CASE WHEN c.relacl IS NOT NULL
           THEN acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)::text
       END AS acl_default,
       CASE c.relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END AS persistence,
       CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS partitioned_by,
       parents.names AS inherits,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS partition_bound,
       CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END AS of_type,
       -- The default is this server's setting, and pg_dump writes it for each table.
       CASE WHEN c.relkind IN ('r', 'm', 'p') THEN am.amname END AS access_method,
       ts.spcname AS tablespace,
       CASE WHEN c.reloptions IS NOT NULL THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) AS o) END
           AS options,
       CASE WHEN tc.reloptions IS NOT NULL
           THEN (SELECT string_agg('toast.' || o, ', ' ORDER BY o) FROM unnest(tc.reloptions) AS o)
       END AS toast_options,
       CASE WHEN c.relkind IN ('r', 'p') THEN
           CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' END
       END AS replica_identity,
       CASE WHEN c.relrowsecurity THEN 'enabled' END AS row_level_security,
       CASE WHEN c.relforcerowsecurity THEN 'forced' END AS force_row_level_security,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
       CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN 'no' END AS populated,
       fs.srvname AS server,
       CASE WHEN ft.ftoptions IS NOT NULL THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(ft.ftoptions) AS o) END
           AS foreign_options,
       d.description AS comment
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
LEFT JOIN pg_class tc ON tc.oid = c.reltoastrelid AND tc.relkind = 't' AND tc.reloptions IS NOT NULL
LEFT JOIN (
    SELECT i.inhrelid, string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) AS names
    FROM pg_inherits i
    GROUP BY i.inhrelid
) AS parents ON parents.inhrelid = c.oid
LEFT JOIN pg_foreign_table ft ON ft.ftrelid = c.oid
LEFT JOIN pg_foreign_server fs ON fs.oid = ft.ftserver
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {{user_schema n}} AND {{no_member pg_class c.oid}}
    -- An identity column's sequence is part of its column.
    AND NOT (c.relkind = 'S' AND EXISTS (
        SELECT FROM pg_depend i
        WHERE i.classid = 'pg_class'::regclass AND i.objid = c.oid AND i.objsubid = 0
            AND i.refclassid = 'pg_class'::regclass AND i.deptype = 'i'
    ))
