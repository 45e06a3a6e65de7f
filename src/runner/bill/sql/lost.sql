-- The tables and columns that go with some objects. $1 is a JSON array of arrays: class, oid, column number or 0,
-- whether what depends on it goes, too. $2 is the same of tables that are truncated: oid, ONLY, CASCADE. $3 are oids of
-- tables that rows are deleted from.
--
-- A table goes with the one that it inherits from, and its rows are counted there.
WITH RECURSIVE gone (classid, objid, sub, cascades) AS (
    SELECT (x.one ->> 0)::regclass::oid, (x.one ->> 1)::oid, (x.one ->> 2)::integer, (x.one ->> 3)::boolean
    FROM jsonb_array_elements($1::jsonb) AS x (one)
    UNION
    SELECT d.classid, d.objid, d.objsubid, g.cascades
    FROM gone g
    JOIN pg_depend d ON d.refclassid = g.classid AND d.refobjid = g.objid
        AND (g.sub = 0 OR d.refobjsubid = g.sub)
    WHERE d.deptype IN ('a', 'i', 'P', 'S', 'e') OR (g.cascades AND d.deptype = 'n')
), emptied (relid, only_it, cascades) AS (
    SELECT (x.one ->> 0)::oid, (x.one ->> 1)::boolean, (x.one ->> 2)::boolean
    FROM jsonb_array_elements($2::jsonb) AS x (one)
    UNION
    SELECT n.relid, false, true
    FROM emptied e
    CROSS JOIN LATERAL (
        SELECT k.conrelid AS relid FROM pg_constraint k
        WHERE e.cascades AND k.contype = 'f' AND k.confrelid = e.relid
        UNION ALL
        SELECT i.inhrelid FROM pg_inherits i WHERE e.cascades AND NOT e.only_it AND i.inhparent = e.relid
    ) n
), found AS (
    SELECT 'dropped' AS way, g.objid AS relid, NULL::name AS attname, false AS only_it
    FROM gone g WHERE g.classid = 'pg_class'::regclass AND g.sub = 0
    UNION
    SELECT 'truncated', e.relid, NULL, e.only_it FROM emptied e
    UNION
    SELECT 'deleted', x.oid::oid, NULL, false FROM jsonb_array_elements_text($3::jsonb) AS x (oid)
    UNION
    SELECT 'column', g.objid, a.attname, false
    FROM gone g
    JOIN pg_attribute a ON a.attrelid = g.objid AND a.attnum = g.sub
    WHERE g.classid = 'pg_class'::regclass AND g.sub > 0
), above (relid, up) AS (
    SELECT i.inhrelid, i.inhparent FROM pg_inherits i JOIN found f ON f.relid = i.inhrelid
    UNION
    SELECT a.relid, i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.up
)
SELECT f.way, c.oid::text, n.nspname::text, c.relname::text, f.attname::text, bool_or(f.only_it)::text,
    (
        WITH RECURSIVE tree (relid) AS (
            SELECT c.oid
            UNION
            SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.relid
        )
        SELECT sum(pg_total_relation_size(t.relid)) FROM tree t
    )::text
FROM found f
JOIN pg_class c ON c.oid = f.relid AND c.relkind IN ('r', 'p')
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (
    SELECT FROM above a JOIN found u ON u.relid = a.up
    WHERE a.relid = f.relid AND u.way = f.way AND u.attname IS NOT DISTINCT FROM f.attname AND NOT u.only_it
)
GROUP BY f.way, c.oid, n.nspname, c.relname, f.attname
ORDER BY n.nspname, c.relname, f.way, f.attname
