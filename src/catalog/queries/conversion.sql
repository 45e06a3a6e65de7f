-- Conversions between encodings.
SELECT 'conversion' AS kind, n.nspname AS schema, NULL AS parent, c.conname AS name,
       pg_get_userbyid(c.conowner) AS owner,
       pg_encoding_to_char(c.conforencoding) || ' to ' || pg_encoding_to_char(c.contoencoding) AS encodings,
       c.conproc::regproc::text AS function,
       CASE WHEN c.condefault THEN 'yes' END AS "default",
       d.description AS comment
FROM pg_conversion c
JOIN pg_namespace n ON n.oid = c.connamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_conversion'::regclass AND d.objoid = c.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_conversion c.oid}}
