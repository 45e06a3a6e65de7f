-- Publications, and what is in them.
SELECT 'publication' AS kind, NULL AS schema, NULL AS parent, p.pubname AS name,
       pg_get_userbyid(p.pubowner) AS owner,
       CASE WHEN p.puballtables THEN 'yes' END AS all_tables,
       concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
           CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) AS publish,
       CASE WHEN p.pubviaroot THEN 'yes' END AS via_root,
       {{if 180000}}CASE p.pubgencols WHEN 's' THEN 'stored' END{{else}}NULL{{end}} AS generated_columns,
       NULL AS columns, NULL AS "where",
       d.description AS comment
FROM pg_publication p
LEFT JOIN pg_description d ON d.classoid = 'pg_publication'::regclass AND d.objoid = p.oid AND d.objsubid = 0
WHERE {{no_member pg_publication p.oid}}
UNION ALL
SELECT 'published table', n.nspname, c.relname, p.pubname, NULL, NULL, NULL, NULL, NULL,
       {{if 150000}}(
           SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
           FROM pg_attribute a
           WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)
       ){{else}}NULL{{end}},
       {{if 150000}}pg_get_expr(r.prqual, r.prrelid){{else}}NULL{{end}},
       NULL
FROM pg_publication_rel r
JOIN pg_publication p ON p.oid = r.prpubid
JOIN pg_class c ON c.oid = r.prrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
{{if 150000}}
UNION ALL
SELECT 'published schema', n.nspname, NULL, p.pubname, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_publication_namespace r
JOIN pg_publication p ON p.oid = r.pnpubid
JOIN pg_namespace n ON n.oid = r.pnnspid
{{end}}
