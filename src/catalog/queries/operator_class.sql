-- Operator classes, and families with what is in them (a class's own members are its family's, too).
SELECT 'operator class' AS kind, n.nspname AS schema, NULL AS parent, o.opcname || ' using ' || am.amname AS name,
       pg_get_userbyid(o.opcowner) AS owner, format_type(o.opcintype, NULL) AS type,
       quote_ident(fn.nspname) || '.' || quote_ident(f.opfname) AS family,
       CASE WHEN o.opcdefault THEN 'yes' END AS "default", format_type(nullif(o.opckeytype, 0), NULL) AS storage,
       NULL AS operators, NULL AS functions,
       d.description AS comment
FROM pg_opclass o
JOIN pg_namespace n ON n.oid = o.opcnamespace
JOIN pg_am am ON am.oid = o.opcmethod
JOIN pg_opfamily f ON f.oid = o.opcfamily
JOIN pg_namespace fn ON fn.oid = f.opfnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_opclass'::regclass AND d.objoid = o.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_opclass o.oid}}
UNION ALL
SELECT 'operator family', n.nspname, NULL, f.opfname || ' using ' || am.amname,
       pg_get_userbyid(f.opfowner), NULL, NULL, NULL, NULL,
       (
           SELECT string_agg(m.amopstrategy || ' ' || m.amopopr::regoperator || ' ' || m.amoppurpose::text, ', '
               ORDER BY m.amopstrategy, m.amopopr::regoperator::text)
           FROM pg_amop m
           WHERE m.amopfamily = f.oid
       ),
       (
           SELECT string_agg(format(
               '%s %s (%s, %s)', m.amprocnum, m.amproc::regprocedure, format_type(m.amproclefttype, NULL),
               format_type(m.amprocrighttype, NULL)
           ), ', ' ORDER BY m.amprocnum, m.amproc::regprocedure::text, m.amproclefttype::regtype::text)
           FROM pg_amproc m
           WHERE m.amprocfamily = f.oid
       ),
       d.description
FROM pg_opfamily f
JOIN pg_namespace n ON n.oid = f.opfnamespace
JOIN pg_am am ON am.oid = f.opfmethod
LEFT JOIN pg_description d ON d.classoid = 'pg_opfamily'::regclass AND d.objoid = f.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_opfamily f.oid}}
