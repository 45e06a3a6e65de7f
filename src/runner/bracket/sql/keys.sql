-- The foreign keys from and to the tables with these oids ($1, a JSON array), with what an anti-join takes; where $2 is
-- true, those of all that this transaction has written to, too. Without statistics nobody knows what that is: all.
--
-- A key of or to a partitioned table has a copy for each partition. A copy that stands for one partition of the table
-- that is referenced says nothing by itself: the key above it counts. A partition's own copy counts alone, unless the
-- whole table's is to be proved anyway.
WITH RECURSIVE touched AS (
    SELECT x.oid::oid AS relid FROM jsonb_array_elements_text($1::jsonb) AS x (oid)
    UNION
    SELECT s.relid FROM pg_stat_xact_user_tables s
    WHERE $2::boolean AND s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
    UNION
    SELECT c.oid FROM pg_class c
    WHERE $2::boolean AND NOT current_setting('track_counts')::boolean AND c.relkind IN ('r', 'p')
), climb (at, up) AS (
    SELECT k.oid, p.oid
    FROM pg_constraint k
    LEFT JOIN pg_constraint p ON p.oid = k.conparentid AND p.conrelid = k.conrelid
    WHERE k.contype = 'f' AND (k.conrelid IN (SELECT relid FROM touched) OR k.confrelid IN (SELECT relid FROM touched))
    UNION
    SELECT k.oid, p.oid
    FROM climb b
    JOIN pg_constraint k ON k.oid = b.up
    LEFT JOIN pg_constraint p ON p.oid = k.conparentid AND p.conrelid = k.conrelid
), found AS (
    SELECT DISTINCT at AS oid FROM climb WHERE up IS NULL
), above (oid, up) AS (
    SELECT f.oid, k.conparentid FROM found f JOIN pg_constraint k ON k.oid = f.oid WHERE k.conparentid <> 0
    UNION
    SELECT a.oid, k.conparentid FROM above a JOIN pg_constraint k ON k.oid = a.up WHERE k.conparentid <> 0
)
SELECT k.conname::text, cn.nspname::text, c.relname::text, (c.relkind = 'p')::text,
    rn.nspname::text, r.relname::text, (r.relkind = 'p')::text, (k.confmatchtype = 'f')::text,
    k.convalidated::text, coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)::text,
    coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false)::text,
    (
        SELECT jsonb_agg(jsonb_build_array(
            quote_ident(fa.attname), quote_ident(ra.attname),
            format('OPERATOR(%I.%s)', o_n.nspname, o.oprname),
            CASE WHEN ra.atttypid <> o.oprleft THEN (
                SELECT format('%I.%I', tn.nspname, t.typname) FROM pg_type t
                JOIN pg_namespace tn ON tn.oid = t.typnamespace WHERE t.oid = o.oprleft) END,
            CASE WHEN fa.atttypid <> o.oprright THEN (
                SELECT format('%I.%I', tn.nspname, t.typname) FROM pg_type t
                JOIN pg_namespace tn ON tn.oid = t.typnamespace WHERE t.oid = o.oprright) END,
            CASE WHEN ra.attcollation <> fa.attcollation AND ra.attcollation <> 0 THEN (
                SELECT format('%I.%I', ln.nspname, l.collname) FROM pg_collation l
                JOIN pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = ra.attcollation) END
        ) ORDER BY x.place)
        FROM unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS x (own, other, op, place)
        JOIN pg_attribute fa ON fa.attrelid = k.conrelid AND fa.attnum = x.own
        JOIN pg_attribute ra ON ra.attrelid = k.confrelid AND ra.attnum = x.other
        JOIN pg_operator o ON o.oid = x.op
        JOIN pg_namespace o_n ON o_n.oid = o.oprnamespace
    )::text,
    (
        SELECT jsonb_agg(quote_ident(a.attname) ORDER BY x.place)
        FROM pg_constraint p, unnest(p.conkey) WITH ORDINALITY AS x (own, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.own
        WHERE p.conrelid = c.oid AND p.contype = 'p'
    )::text
FROM found f
JOIN pg_constraint k ON k.oid = f.oid
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace cn ON cn.oid = c.relnamespace
JOIN pg_class r ON r.oid = k.confrelid
JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE NOT EXISTS (SELECT FROM above a WHERE a.oid = f.oid AND a.up IN (SELECT oid FROM found))
ORDER BY cn.nspname, c.relname, k.conname
