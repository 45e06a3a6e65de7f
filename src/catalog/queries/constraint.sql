-- Constraints of tables and domains. Where a trigger of one is not in its usual state, that is part of it:
-- a foreign key whose triggers are off holds nothing. A key of one column with
-- nothing special about it is put together here, in the server's words: its own function looks up each by itself.
SELECT 'constraint' AS kind, n.nspname AS schema, coalesce(c.relname, t.typname) AS parent, k.conname AS name,
       k.oid AS oid,
       CASE WHEN k.contypid <> 0 THEN 'domain' END AS of,
       coalesce(
           CASE WHEN k.conkey[2] IS NULL AND NOT k.condeferrable AND k.convalidated
                   {{if 180000}}AND k.conenforced AND NOT k.conperiod{{end}} THEN
               CASE k.contype
                   WHEN 'p' THEN CASE WHEN i.indnatts = 1 AND ic.reloptions IS NULL THEN 'PRIMARY KEY (' END
                   WHEN 'u' THEN
                       CASE WHEN i.indnatts = 1 AND ic.reloptions IS NULL
                           {{if 150000}}AND NOT i.indnullsnotdistinct{{end}} THEN 'UNIQUE (' END
                   WHEN 'f' THEN
                       CASE WHEN k.confmatchtype = 's' {{if 150000}}AND k.confdelsetcols IS NULL{{end}} THEN 'FOREIGN KEY (' END
               END
               || (SELECT quote_ident(a.attname) FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1])
               || CASE WHEN k.contype = 'f' THEN (
                   SELECT ') REFERENCES ' || quote_ident(fn.nspname) || '.' || quote_ident(fc.relname) || '('
                       || quote_ident(a.attname)
                   FROM pg_class fc
                   JOIN pg_attribute a ON a.attrelid = fc.oid AND a.attnum = k.confkey[1]
                   JOIN pg_namespace fn ON fn.oid = fc.relnamespace
                   WHERE fc.oid = k.confrelid
               ) ELSE '' END || ')'
               || CASE k.confupdtype WHEN 'r' THEN ' ON UPDATE RESTRICT' WHEN 'c' THEN ' ON UPDATE CASCADE'
                   WHEN 'n' THEN ' ON UPDATE SET NULL' WHEN 'd' THEN ' ON UPDATE SET DEFAULT' ELSE '' END
               || CASE k.confdeltype WHEN 'r' THEN ' ON DELETE RESTRICT' WHEN 'c' THEN ' ON DELETE CASCADE'
                   WHEN 'n' THEN ' ON DELETE SET NULL' WHEN 'd' THEN ' ON DELETE SET DEFAULT' ELSE '' END
           END,
           pg_get_constraintdef(k.oid)
       ) AS definition,
       -- Part of the definition from 18 on only for foreign keys and checks that are not enforced.
       CASE WHEN NOT k.convalidated THEN 'no' END AS validated,
       CASE WHEN k.coninhcount > 0 THEN CASE WHEN k.conislocal THEN 'and local' ELSE 'yes' END END AS inherited,
       off.states AS triggers,
       CASE WHEN ic.reltablespace <> 0 THEN (SELECT ts.spcname FROM pg_tablespace ts WHERE ts.oid = ic.reltablespace) END
           AS tablespace,
       CASE WHEN i.indisvalid THEN NULL ELSE CASE WHEN i.indexrelid IS NOT NULL THEN 'no' END END AS index_valid,
       CASE WHEN i.indisclustered THEN 'yes' END AS clustered,
       CASE WHEN i.indisreplident THEN 'yes' END AS replica_identity,
       CASE WHEN ic.reloptions IS NOT NULL THEN (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(ic.reloptions) AS o) END
           AS options,
       xd.description AS index_comment,
       d.description AS comment
FROM pg_constraint k
JOIN pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_class c ON c.oid = k.conrelid AND c.relkind IN ('r', 'p', 'f')
LEFT JOIN pg_type t ON t.oid = k.contypid
LEFT JOIN pg_index i ON i.indexrelid = CASE WHEN k.contype IN ('p', 'u', 'x') THEN k.conindid END
LEFT JOIN pg_class ic ON ic.oid = i.indexrelid
LEFT JOIN (
    SELECT g.tgconstraint, string_agg(f.proname || ' ' || g.tgenabled::text, ', ' ORDER BY f.proname, g.tgenabled) AS states
    FROM pg_trigger g
    JOIN pg_proc f ON f.oid = g.tgfoid
    WHERE g.tgisinternal AND g.tgconstraint <> 0 AND g.tgenabled <> 'O'
    GROUP BY g.tgconstraint
) AS off ON off.tgconstraint = k.oid
LEFT JOIN pg_description xd ON xd.classoid = 'pg_class'::regclass AND xd.objoid = ic.oid AND xd.objsubid = 0
LEFT JOIN pg_description d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = k.oid AND d.objsubid = 0
-- A constraint trigger is a trigger. From 18 on each NOT NULL is a constraint, and a domain's from 17 on; one with
-- the name that it gets by itself says no more than its column or domain does.
WHERE k.contype <> 't'
    AND NOT (k.contype = 'n' AND k.convalidated AND NOT k.connoinherit AND k.conname = concat_ws(
        '_', coalesce(c.relname, t.typname),
        (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1]), 'not_null'
    ))
    AND {{user_schema n}}
    AND {{no_member pg_class k.conrelid}} AND {{no_member pg_type k.contypid}}
