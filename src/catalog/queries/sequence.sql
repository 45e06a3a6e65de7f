-- The numbers of sequences that are objects of their own.
SELECT 'sequence' AS kind, n.nspname AS schema, NULL AS parent, c.relname AS name,
       format_type(s.seqtypid, NULL) AS type, s.seqstart::text AS start, s.seqincrement::text AS increment,
       s.seqmin::text AS min, s.seqmax::text AS max, s.seqcache::text AS cache,
       CASE WHEN s.seqcycle THEN 'yes' END AS cycle,
       owned.by AS owned_by
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (
    SELECT o.objid, o.deptype, o.refobjid::regclass || '.' || quote_ident(a.attname) AS by
    FROM pg_depend o
    JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
    WHERE o.classid = 'pg_class'::regclass AND o.objsubid = 0 AND o.refclassid = 'pg_class'::regclass
        AND o.deptype IN ('a', 'i')
) AS owned ON owned.objid = s.seqrelid
WHERE owned.deptype IS DISTINCT FROM 'i' AND {{user_schema n}} AND {{no_member pg_class c.oid}}
