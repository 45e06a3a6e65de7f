-- Procedural languages, transforms and access methods.
SELECT 'language' AS kind, NULL AS schema, NULL AS parent, l.lanname AS name,
       pg_get_userbyid(l.lanowner) AS owner,
       l.lanacl::text AS acl, acldefault('l', l.lanowner)::text AS acl_default,
       CASE WHEN l.lanpltrusted THEN 'yes' END AS trusted,
       concat_ws(', ', nullif(l.lanplcallfoid, 0)::regproc::text, nullif(l.laninline, 0)::regproc::text,
           nullif(l.lanvalidator, 0)::regproc::text) AS handlers,
       d.description AS comment
FROM pg_language l
LEFT JOIN pg_description d ON d.classoid = 'pg_language'::regclass AND d.objoid = l.oid AND d.objsubid = 0
WHERE l.oid >= 16384 AND {{no_member pg_language l.oid}}
UNION ALL
SELECT 'transform', NULL, NULL, format_type(t.trftype, NULL) || ' language ' || l.lanname,
       NULL, NULL, NULL, NULL,
       concat_ws(', ', 'from ' || nullif(t.trffromsql::oid, 0)::regprocedure::text,
           'to ' || nullif(t.trftosql::oid, 0)::regprocedure::text),
       d.description
FROM pg_transform t
JOIN pg_language l ON l.oid = t.trflang
LEFT JOIN pg_description d ON d.classoid = 'pg_transform'::regclass AND d.objoid = t.oid AND d.objsubid = 0
WHERE t.oid >= 16384 AND {{no_member pg_transform t.oid}}
UNION ALL
SELECT 'access method', NULL, NULL, a.amname,
       NULL, NULL, NULL, NULL,
       CASE a.amtype WHEN 't' THEN 'table ' ELSE 'index ' END || a.amhandler::regproc,
       d.description
FROM pg_am a
LEFT JOIN pg_description d ON d.classoid = 'pg_am'::regclass AND d.objoid = a.oid AND d.objsubid = 0
WHERE a.oid >= 16384 AND {{no_member pg_am a.oid}}
