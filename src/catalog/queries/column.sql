-- Columns of tables, views, foreign tables and composite types.
SELECT 'column' AS kind, n.nspname AS schema, c.relname AS parent, a.attname AS name, a.attrelid AS oid,
       -- With the gaps of columns that are gone: who reads it counts anew. Here it would take a sort of all columns.
       a.attnum::text AS position,
       format_type(a.atttypid, a.atttypmod) AS type,
       CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN a.attcollation::regcollation::text END
           AS collation,
       CASE WHEN a.attnotnull THEN 'yes' END AS not_null,
       -- A default has no columns in it. With the table named, the server would open each for its columns' names.
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(ad.adbin, 0) END AS "default",
       CASE a.attgenerated WHEN 's' THEN 'stored ' WHEN 'v' THEN 'virtual ' END
           || CASE WHEN a.attgenerated <> '' THEN pg_get_expr(ad.adbin, ad.adrelid) END AS generated,
       CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity,
       CASE WHEN a.attidentity <> '' THEN (
           SELECT format(
               '%s start %s increment %s min %s max %s cache %s%s%s%s%s',
               s.seqrelid::regclass, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
               CASE WHEN s.seqcycle THEN ' cycle' END, CASE sc.relpersistence WHEN 'u' THEN ' unlogged' END,
               CASE WHEN sc.relacl <> acldefault('s', sc.relowner) THEN
                   ' acl ' || (SELECT string_agg(x::text, ', ' ORDER BY x::text) FROM unnest(sc.relacl) AS x)
               END,
               ' comment ' || quote_literal(obj_description(sc.oid, 'pg_class'))
           )
           FROM pg_depend i
           JOIN pg_sequence s ON s.seqrelid = i.objid
           JOIN pg_class sc ON sc.oid = i.objid
           WHERE i.classid = 'pg_class'::regclass AND i.refclassid = 'pg_class'::regclass
               AND i.refobjid = a.attrelid AND i.refobjsubid = a.attnum AND i.deptype = 'i'
       ) END AS identity_sequence,
       CASE WHEN a.attstorage <> t.typstorage THEN
           CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' WHEN 'x' THEN 'extended' END
       END AS storage,
       CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
       -- 17 says NULL where earlier versions say -1.
       nullif(a.attstattarget, -1)::text AS statistics,
       CASE WHEN a.attoptions IS NOT NULL THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(a.attoptions) AS o) END
           AS options,
       CASE WHEN a.attfdwoptions IS NOT NULL
           THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(a.attfdwoptions) AS o)
       END AS foreign_options,
       CASE WHEN a.attinhcount > 0 THEN CASE WHEN a.attislocal THEN 'and local' ELSE 'yes' END END AS inherited,
       a.attacl::text AS acl,
       CASE WHEN a.attacl IS NOT NULL THEN acldefault('c', c.relowner)::text END AS acl_default,
       d.description AS comment
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = a.attrelid AND d.objsubid = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
    AND {{user_schema n}} AND {{no_member pg_class c.oid}}
