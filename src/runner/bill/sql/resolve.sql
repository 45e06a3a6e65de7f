-- The objects that names stand for, as the transaction's own search path finds them: every name and operator is
-- qualified. $1 is a JSON array of pairs: kind, quoted name. One row for each that is there.
SELECT (x.place OPERATOR(pg_catalog.-) 1)::pg_catalog.text, o.class, o.oid::pg_catalog.text
FROM pg_catalog.jsonb_array_elements($1::pg_catalog.jsonb) WITH ORDINALITY AS x (pair, place)
CROSS JOIN LATERAL (
    SELECT CASE k.kind WHEN 'table' THEN 'pg_class' WHEN 'schema' THEN 'pg_namespace'
            WHEN 'type' THEN 'pg_type' ELSE 'pg_extension' END AS class,
        CASE k.kind
            WHEN 'table' THEN pg_catalog.to_regclass(k.name)::pg_catalog.oid
            WHEN 'schema' THEN pg_catalog.to_regnamespace(k.name)::pg_catalog.oid
            WHEN 'type' THEN pg_catalog.to_regtype(k.name)::pg_catalog.oid
            ELSE (SELECT e.oid FROM pg_catalog.pg_extension e
                WHERE pg_catalog.quote_ident(e.extname) OPERATOR(pg_catalog.=)
                    pg_catalog.quote_ident(k.plain))
        END AS oid
    FROM (SELECT x.pair OPERATOR(pg_catalog.->>) 0 AS kind, x.pair OPERATOR(pg_catalog.->>) 1 AS name,
        x.pair OPERATOR(pg_catalog.->>) 2 AS plain) k
) o
WHERE o.oid IS NOT NULL
ORDER BY x.place
