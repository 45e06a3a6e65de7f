-- The unique and exclusion constraints of the tables with these oids ($1, a JSON array) that a trigger enforces, since they
-- are deferrable, with what a comparison of rows takes; where $2 is true, those of all that this transaction has
-- written to, too. A partition's own copy counts alone, unless the whole table's is to be proved anyway.
WITH touched AS (
    SELECT x.oid::oid AS relid FROM jsonb_array_elements_text($1::jsonb) AS x (oid)
    UNION
    SELECT s.relid FROM pg_stat_xact_user_tables s
    WHERE $2::boolean AND s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
    UNION
    SELECT c.oid FROM pg_class c
    WHERE $2::boolean AND NOT current_setting('track_counts')::boolean AND c.relkind IN ('r', 'p')
), found AS (
    SELECT k.* FROM pg_constraint k
    WHERE k.condeferrable AND k.contype IN ('p', 'u', 'x') AND k.conrelid IN (SELECT relid FROM touched)
)
SELECT k.conname::text, n.nspname::text, c.relname::text, (c.relkind = 'p')::text,
    coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)::text,
    pg_get_expr(i.indpred, i.indrelid),
    (
        SELECT jsonb_agg(jsonb_build_array(
            pg_get_indexdef(i.indexrelid, x.place, false),
            format('OPERATOR(%I.%s)', o_n.nspname, o.oprname)
        ) ORDER BY x.place)
        FROM generate_series(1, i.indnkeyatts::integer) AS x (place)
        JOIN pg_opclass p ON p.oid = i.indclass[x.place - 1]
        JOIN pg_operator o ON o.oid = coalesce(k.conexclop[x.place], (
            SELECT a.amopopr FROM pg_amop a
            WHERE a.amopfamily = p.opcfamily AND a.amoplefttype = p.opcintype
                AND a.amoprighttype = p.opcintype AND a.amopstrategy = 3 AND a.amopmethod = p.opcmethod))
        JOIN pg_namespace o_n ON o_n.oid = o.oprnamespace
    )::text
FROM found k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_index i ON i.indexrelid = k.conindid
WHERE NOT EXISTS (SELECT FROM found f WHERE f.oid = k.conparentid)
ORDER BY n.nspname, c.relname, k.conname
