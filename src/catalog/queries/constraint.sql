-- Constraints of tables and domains. Where a trigger of one is not in its usual state, that is part of it:
-- a foreign key whose triggers are off holds nothing.
SELECT 'constraint' AS kind, n.nspname AS schema, coalesce(c.relname, t.typname) AS parent, k.conname AS name,
       CASE WHEN k.contypid <> 0 THEN 'domain' END AS of,
       pg_get_constraintdef(k.oid) AS definition,
       -- Part of the definition from 18 on only for foreign keys and checks that are not enforced.
       CASE WHEN NOT k.convalidated THEN 'no' END AS validated,
       CASE WHEN k.coninhcount > 0 THEN CASE WHEN k.conislocal THEN 'and local' ELSE 'yes' END END AS inherited,
       off.states AS triggers,
       ts.spcname AS tablespace,
       CASE WHEN i.indisvalid THEN NULL ELSE CASE WHEN i.indexrelid IS NOT NULL THEN 'no' END END AS index_valid,
       CASE WHEN i.indisclustered THEN 'yes' END AS clustered,
       CASE WHEN i.indisreplident THEN 'yes' END AS replica_identity,
       (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(ic.reloptions) AS o) AS options,
       xd.description AS index_comment,
       d.description AS comment
FROM pg_constraint k
JOIN pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_type t ON t.oid = k.contypid
LEFT JOIN pg_class ic ON ic.oid = k.conindid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_index i ON i.indexrelid = ic.oid
LEFT JOIN pg_tablespace ts ON ts.oid = ic.reltablespace
LEFT JOIN (
    SELECT g.tgconstraint, string_agg(f.proname || ' ' || g.tgenabled::text, ', ' ORDER BY f.proname, g.tgenabled) AS states
    FROM pg_trigger g
    JOIN pg_proc f ON f.oid = g.tgfoid
    WHERE g.tgisinternal AND g.tgconstraint <> 0 AND g.tgenabled <> 'O'
    GROUP BY g.tgconstraint
) AS off ON off.tgconstraint = k.oid
LEFT JOIN pg_description xd ON xd.classoid = 'pg_class'::regclass AND xd.objoid = ic.oid AND xd.objsubid = 0
LEFT JOIN pg_description d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = k.oid AND d.objsubid = 0
-- A constraint trigger is a trigger. From 18 on each NOT NULL is a constraint; one with the name that it gets by
-- itself says no more than its column does.
WHERE k.contype <> 't'
    AND NOT (k.contype = 'n' AND k.convalidated AND NOT k.connoinherit AND k.conname = format(
        '%s_%s_not_null', c.relname,
        (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1])
    ))
    AND {{user_schema n}}
    AND {{no_member pg_class k.conrelid}} AND {{no_member pg_type k.contypid}}
