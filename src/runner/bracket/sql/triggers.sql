-- The tables with these oids ($1, a JSON array), with all that inherit from them, partitions or not, and each one's
-- triggers; a table without triggers has one row.
--
-- A user's trigger is one that no constraint made, or a constraint trigger. tgisinternal does not tell: up to 14 it is
-- set for the clones of a partitioned table's triggers, too.
WITH RECURSIVE tree (relid) AS (
    SELECT x.oid::oid FROM jsonb_array_elements_text($1::jsonb) AS x (oid)
    UNION
    SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.relid
)
SELECT c.oid::text, n.nspname::text, c.relname::text, pg_has_role(c.relowner, 'USAGE')::text,
    g.oid::text, g.tgname::text, g.tgenabled::text, (k.oid IS NULL OR k.contype = 't')::text,
    nullif(g.tgparentid, 0)::text
FROM tree t
JOIN pg_class c ON c.oid = t.relid AND c.relkind IN ('r', 'p', 'f')
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_trigger g ON g.tgrelid = c.oid
LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint
ORDER BY c.oid, g.tgname
