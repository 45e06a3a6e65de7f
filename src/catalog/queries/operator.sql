-- Operators.
SELECT 'operator' AS kind, n.nspname AS schema, NULL AS parent,
       o.oprname || '(' || CASE o.oprleft WHEN 0 THEN 'none' ELSE format_type(o.oprleft, NULL) END || ', '
           || format_type(o.oprright, NULL) || ')' AS name,
       pg_get_userbyid(o.oprowner) AS owner, o.oprcode::regproc::text AS function,
       nullif(o.oprcom, 0)::regoperator::text AS commutator, nullif(o.oprnegate, 0)::regoperator::text AS negator,
       nullif(o.oprrest::oid, 0)::regproc::text AS restriction, nullif(o.oprjoin::oid, 0)::regproc::text AS "join",
       CASE WHEN o.oprcanmerge THEN 'yes' END AS merges, CASE WHEN o.oprcanhash THEN 'yes' END AS hashes,
       d.description AS comment
FROM pg_operator o
JOIN pg_namespace n ON n.oid = o.oprnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_operator'::regclass AND d.objoid = o.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_operator o.oid}}
