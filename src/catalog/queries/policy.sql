-- Row-level security policies.
SELECT 'policy' AS kind, n.nspname AS schema, c.relname AS parent, p.polname AS name, p.oid AS oid,
       CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END
           AS command,
       CASE WHEN NOT p.polpermissive THEN 'restrictive' END AS mode,
       (
           SELECT string_agg(CASE r.oid WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(r.oid)) END, ', '
               ORDER BY CASE r.oid WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(r.oid)) END)
           FROM unnest(p.polroles) AS r (oid)
       ) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS using,
       pg_get_expr(p.polwithcheck, p.polrelid) AS with_check,
       d.description AS comment
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_policy'::regclass AND d.objoid = p.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_class c.oid}} AND {{no_member pg_policy p.oid}}
