-- Privileges on what belongs to the system or to an extension, where they are not those it came with. pg_dump writes
-- these alone of such objects. What initdb or the extension granted is in pg_init_privs, but for the information schema:
-- everybody may use that and read most of it, by a grant of whichever superuser initdb made.
SELECT 'grants' AS kind, NULL AS schema, NULL AS parent, o.type || ' ' || o.identity AS name,
       x.acl::text AS acl, coalesce(i.initprivs, known.acl)::text AS acl_default
FROM (
    SELECT 'pg_class'::regclass::oid AS classid, c.oid, 0 AS sub, c.relacl AS acl, c.relnamespace AS schema,
           CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" AS type, c.relowner AS owner
    FROM pg_class c
    WHERE c.relacl IS NOT NULL
    UNION ALL
    -- Of all columns few can be meant, and those are found by index.
    SELECT 'pg_class'::regclass, a.attrelid, a.attnum, a.attacl, c.relnamespace, 'c', c.relowner
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attrelid < 16384 AND a.attacl IS NOT NULL
    UNION ALL
    SELECT 'pg_class'::regclass, a.attrelid, a.attnum, a.attacl, c.relnamespace, 'c', c.relowner
    FROM pg_depend m
    JOIN pg_class c ON c.oid = m.objid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
    WHERE m.classid = 'pg_class'::regclass AND m.refclassid = 'pg_extension'::regclass AND m.deptype = 'e'
        AND m.objid >= 16384
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0, p.proacl, p.pronamespace, 'f', p.proowner
    FROM pg_proc p
    WHERE p.proacl IS NOT NULL
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0, t.typacl, t.typnamespace, 'T', t.typowner
    FROM pg_type t
    WHERE t.typacl IS NOT NULL
    UNION ALL
    SELECT 'pg_namespace'::regclass, n.oid, 0, n.nspacl, n.oid, 'n', n.nspowner
    FROM pg_namespace n
    WHERE n.nspacl IS NOT NULL
    UNION ALL
    SELECT 'pg_language'::regclass, l.oid, 0, l.lanacl, 11, 'l', l.lanowner
    FROM pg_language l
    WHERE l.lanacl IS NOT NULL AND l.oid < 16384
) AS x
JOIN pg_namespace n ON n.oid = x.schema
LEFT JOIN pg_init_privs i ON i.classoid = x.classid AND i.objoid = x.oid AND i.objsubid = x.sub
CROSS JOIN LATERAL (
    SELECT acldefault(x.type, x.owner) || CASE
        WHEN n.nspname <> 'information_schema' THEN '{}'
        WHEN x.classid = 'pg_namespace'::regclass THEN ARRAY[makeaclitem(0, x.owner, 'USAGE', false)]
        WHEN x.classid = 'pg_class'::regclass AND x.sub = 0 THEN ARRAY[makeaclitem(0, x.owner, 'SELECT', false)]
        ELSE '{}'
    END
) AS known (acl)
CROSS JOIN LATERAL pg_identify_object(x.classid, x.oid, x.sub) AS o
WHERE x.acl IS DISTINCT FROM coalesce(i.initprivs, known.acl)
    AND n.nspname !~ '^pg_(toast|temp)'
    AND (
        n.nspname IN ('pg_catalog', 'information_schema')
        OR EXISTS (
            SELECT FROM pg_depend m
            WHERE m.classid = x.classid AND m.objid = x.oid AND m.deptype = 'e'
        )
    )
