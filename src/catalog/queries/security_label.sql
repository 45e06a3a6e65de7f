-- Security labels of what is listed elsewhere.
SELECT 'security label' AS kind, NULL AS schema, NULL AS parent,
       o.type || ' ' || o.identity || ' by ' || l.provider AS name, l.label
FROM pg_seclabel l
CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) AS o
WHERE o.schema IS DISTINCT FROM $1
