-- Types that are no table's: enums, composites (whose columns are in column.sql), domains, ranges, base types.
SELECT CASE t.typtype
           WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite type' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range'
           ELSE 'type'
       END AS kind,
       n.nspname AS schema, NULL AS parent, t.typname AS name, t.oid AS oid,
       pg_get_userbyid(t.typowner) AS owner,
       t.typacl::text AS acl, CASE WHEN t.typacl IS NOT NULL THEN acldefault('T', t.typowner)::text END AS acl_default,
       CASE WHEN t.typtype = 'e' THEN (
           SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid
       ) END AS labels,
       CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base,
       CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END
           AS collation,
       CASE WHEN t.typtype = 'd' AND t.typnotnull THEN 'yes' END AS not_null,
       CASE WHEN t.typtype = 'd' THEN coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) END AS "default",
       CASE WHEN t.typtype = 'r' THEN (
           SELECT concat_ws(
               ', ', 'subtype ' || format_type(r.rngsubtype, NULL), 'opclass ' || (
                   SELECT quote_ident(xn.nspname) || '.' || quote_ident(x.opcname)
                   FROM pg_opclass x
                   JOIN pg_namespace xn ON xn.oid = x.opcnamespace
                   WHERE x.oid = r.rngsubopc
               ),
              
               'collation ' || nullif(r.rngcollation, 0)::regcollation::text,
               'canonical ' || nullif(r.rngcanonical::oid, 0)::regproc::text,
               'difference ' || nullif(r.rngsubdiff::oid, 0)::regproc::text,
               'multirange ' || format_type(r.rngmultitypid, NULL)
           )
           FROM pg_range r
           WHERE r.rngtypid = t.oid
       ) END AS range_of,
       CASE WHEN t.typtype = 'b' THEN concat_ws(
           ', ', 'input ' || t.typinput, 'output ' || t.typoutput,
           'receive ' || nullif(t.typreceive::oid, 0)::regproc::text, 'send ' || nullif(t.typsend::oid, 0)::regproc::text,
           'typmod_in ' || nullif(t.typmodin::oid, 0)::regproc::text,
           'typmod_out ' || nullif(t.typmodout::oid, 0)::regproc::text,
           'analyze ' || nullif(t.typanalyze::oid, 0)::regproc::text,
           'subscript ' || nullif(t.typsubscript::oid, 0)::regproc::text,
           'length ' || t.typlen, CASE WHEN t.typbyval THEN 'by value' END, 'alignment ' || t.typalign::text,
           'storage ' || t.typstorage::text, 'category ' || t.typcategory::text, CASE WHEN t.typispreferred THEN 'preferred' END,
           'delimiter ' || t.typdelim::text, 'element ' || format_type(nullif(t.typelem, 0), NULL),
           'default ' || t.typdefault, CASE WHEN t.typcollation <> 0 THEN 'collatable' END
       ) END AS base_type,
       CASE WHEN NOT t.typisdefined THEN 'shell' END AS state,
       d.description AS comment
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_description d ON d.classoid = 'pg_type'::regclass AND d.objoid = t.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_type t.oid}}
    -- A table's row type, an array's own type and a range's multirange come with what they belong to.
    AND t.typtype IN ('e', 'c', 'd', 'r', 'b', 'p')
    AND (t.typtype <> 'c' OR c.oid IS NOT NULL)
    AND NOT (t.typtype = 'b' AND EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid))
