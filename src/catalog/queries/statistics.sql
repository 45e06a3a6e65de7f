-- Extended statistics.
SELECT 'statistics' AS kind, n.nspname AS schema, c.relname AS parent, s.stxname AS name, s.oid AS oid,
       pg_get_userbyid(s.stxowner) AS owner, pg_get_statisticsobjdef(s.oid) AS definition,
       nullif(s.stxstattarget, -1)::text AS target,
       d.description AS comment
FROM pg_statistic_ext s
JOIN pg_class c ON c.oid = s.stxrelid
JOIN pg_namespace n ON n.oid = s.stxnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_statistic_ext'::regclass AND d.objoid = s.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_statistic_ext s.oid}}
