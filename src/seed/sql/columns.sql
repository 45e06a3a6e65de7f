-- The columns of the tables in $1, and whether the role may fill and empty each table.
SELECT
    n.nspname || '.' || c.relname,
    a.attname::text,
    (has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'DELETE')
        AND has_table_privilege(c.oid, 'SELECT'))::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname || '.' || c.relname = ANY ($1::text[])
    AND has_schema_privilege(n.oid, 'USAGE')
