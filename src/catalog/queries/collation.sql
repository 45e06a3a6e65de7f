-- Collations and conversions.
SELECT 'collation' AS kind, n.nspname AS schema, NULL AS parent, c.collname AS name,
       pg_get_userbyid(c.collowner) AS owner,
       CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'c' THEN 'libc' WHEN 'b' THEN 'builtin' ELSE c.collprovider::text END
           AS provider,
       CASE WHEN NOT c.collisdeterministic THEN 'no' END AS deterministic,
       c.collcollate::text AS lc_collate, c.collctype::text AS lc_ctype,
       {{if 170000}}c.colllocale::text{{else}}{{if 150000}}c.colliculocale::text{{else}}NULL{{end}}{{end}} AS locale,
       {{if 160000}}c.collicurules{{else}}NULL{{end}} AS rules,
       d.description AS comment
FROM pg_collation c
JOIN pg_namespace n ON n.oid = c.collnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_collation'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_collation c.oid}}
