-- The numbers of columns. $1 is a JSON array of arrays: oid of the table, column, whether what depends on it goes, too.
SELECT a.attrelid::text, a.attnum::text, x.one ->> 2
FROM jsonb_array_elements($1::jsonb) AS x (one)
JOIN pg_attribute a ON a.attrelid = (x.one ->> 0)::oid AND a.attname = x.one ->> 1
WHERE a.attnum > 0 AND NOT a.attisdropped
