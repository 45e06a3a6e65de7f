-- Triggers that somebody made, with their state, which `pg_get_triggerdef` does not tell. The clones of a partitioned
-- table's triggers have states of their own.
SELECT 'trigger' AS kind, n.nspname AS schema, c.relname AS parent, g.tgname AS name, g.oid AS oid,
       pg_get_triggerdef(g.oid) AS definition,
       CASE g.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS state,
       CASE WHEN g.tgparentid <> 0 THEN 'yes' END AS inherited,
       d.description AS comment
FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint
LEFT JOIN pg_description d ON d.classoid = 'pg_trigger'::regclass AND d.objoid = g.oid AND d.objsubid = 0
-- Up to 14 clones are marked as internal, as a foreign key's triggers are.
WHERE (NOT g.tgisinternal OR g.tgparentid <> 0) AND (k.oid IS NULL OR k.contype = 't')
    AND {{user_schema n}} AND {{no_member pg_class c.oid}} AND {{no_member pg_trigger g.oid}}
