-- Default privileges.
SELECT 'default privileges' AS kind, n.nspname AS schema, NULL AS parent,
       'for ' || quote_ident(pg_get_userbyid(a.defaclrole)) || ' on '
           || CASE a.defaclobjtype
               WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
               WHEN 'n' THEN 'schemas' WHEN 'L' THEN 'large objects' ELSE a.defaclobjtype::text
           END AS name,
       a.defaclacl::text AS acl,
       -- In a schema they are added to the database's own, hence to nothing.
       CASE WHEN a.defaclnamespace = 0
           THEN acldefault(CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END::"char", a.defaclrole)::text
           ELSE '{}'
       END AS acl_default
FROM pg_default_acl a
LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace
WHERE n.oid IS NULL OR {{user_schema n}}
