-- The places, in a JSON array of quoted names ($1), of tables with triggers that fire and that the role may not
-- switch. It is asked while a script's own search path is in force: every name and operator is qualified.
SELECT x.place::pg_catalog.text
FROM pg_catalog.jsonb_array_elements_text($1::pg_catalog.jsonb) WITH ORDINALITY AS x (name, place)
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(x.name)
WHERE NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
    AND EXISTS (
        SELECT FROM pg_catalog.pg_trigger t
        WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid AND NOT t.tgisinternal
            AND t.tgenabled OPERATOR(pg_catalog.<>) 'D'
    )
ORDER BY x.place
