-- Schemas.
SELECT 'schema' AS kind, NULL AS schema, NULL AS parent, n.nspname AS name, n.oid AS oid,
       pg_get_userbyid(n.nspowner) AS owner,
       n.nspacl::text AS acl, acldefault('n', n.nspowner)::text AS acl_default,
       d.description AS comment
FROM pg_namespace n
LEFT JOIN pg_description d ON d.classoid = 'pg_namespace'::regclass AND d.objoid = n.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_namespace n.oid}}
