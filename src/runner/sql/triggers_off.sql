-- Every trigger that somebody made and that never fires, and those that are named in $1, a JSON array of arrays of
-- schema, table and trigger, whatever their state.
SELECT n.nspname::text, c.relname::text, g.tgname::text, g.tgenabled::text,
    (k.oid IS NOT NULL AND k.contype <> 't')::text
FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint
LEFT JOIN jsonb_array_elements($1::jsonb) AS x (name)
    ON x.name ->> 0 = n.nspname AND x.name ->> 1 = c.relname AND x.name ->> 2 = g.tgname
WHERE g.tgenabled = 'D' OR x.name IS NOT NULL
ORDER BY 1, 2, 3
