-- Foreign data: wrappers, servers, user mappings. Options are named, and their values only where they are no secret.
SELECT 'foreign-data wrapper' AS kind, NULL AS schema, NULL AS parent, w.fdwname AS name,
       pg_get_userbyid(w.fdwowner) AS owner,
       w.fdwacl::text AS acl, CASE WHEN w.fdwacl IS NOT NULL THEN acldefault('F', w.fdwowner)::text END AS acl_default,
       concat_ws(', ', 'handler ' || nullif(w.fdwhandler, 0)::regproc::text,
           'validator ' || nullif(w.fdwvalidator, 0)::regproc::text) AS definition,
       (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(w.fdwoptions) AS o) AS options,
       d.description AS comment
FROM pg_foreign_data_wrapper w
LEFT JOIN pg_description d ON d.classoid = 'pg_foreign_data_wrapper'::regclass AND d.objoid = w.oid AND d.objsubid = 0
WHERE {{no_member pg_foreign_data_wrapper w.oid}}
UNION ALL
SELECT 'server', NULL, NULL, s.srvname, pg_get_userbyid(s.srvowner),
       s.srvacl::text, CASE WHEN s.srvacl IS NOT NULL THEN acldefault('S', s.srvowner)::text END,
       concat_ws(', ', 'wrapper ' || w.fdwname, 'type ' || s.srvtype, 'version ' || s.srvversion),
       (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(s.srvoptions) AS o),
       d.description
FROM pg_foreign_server s
JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
LEFT JOIN pg_description d ON d.classoid = 'pg_foreign_server'::regclass AND d.objoid = s.oid AND d.objsubid = 0
WHERE {{no_member pg_foreign_server s.oid}}
UNION ALL
-- Its options hold passwords: who may see them at all gets a digest.
SELECT 'user mapping', NULL, NULL,
       CASE u.umuser WHEN 0 THEN 'public' ELSE quote_ident(u.usename) END || ' server ' || quote_ident(u.srvname),
       NULL, NULL, NULL, NULL,
       encode(sha256(convert_to((SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(u.umoptions) AS o), 'UTF8')), 'hex'),
       NULL
FROM pg_user_mappings u
