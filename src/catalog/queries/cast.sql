-- Casts.
SELECT 'cast' AS kind, NULL AS schema, NULL AS parent,
       format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL) AS name,
       CASE c.castmethod WHEN 'b' THEN 'binary' WHEN 'i' THEN 'in and out' ELSE c.castfunc::regprocedure::text END AS by,
       CASE c.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' ELSE 'explicit' END AS context,
       d.description AS comment
FROM pg_cast c
LEFT JOIN pg_description d ON d.classoid = 'pg_cast'::regclass AND d.objoid = c.oid AND d.objsubid = 0
-- FirstNormalObjectId: what initdb made is below it.
WHERE c.oid >= 16384 AND {{no_member pg_cast c.oid}}
    -- A range comes with the cast to its multirange.
    AND NOT EXISTS (
        SELECT FROM pg_depend i WHERE i.classid = 'pg_cast'::regclass AND i.objid = c.oid AND i.deptype = 'i'
    )
