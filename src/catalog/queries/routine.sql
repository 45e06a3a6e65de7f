-- Functions, procedures and aggregates.
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
       n.nspname AS schema, NULL AS parent,
       p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name, p.oid AS oid,
       pg_get_userbyid(p.proowner) AS owner,
       p.proacl::text AS acl, CASE WHEN p.proacl IS NOT NULL THEN acldefault('f', p.proowner)::text END AS acl_default,
       CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS definition,
       CASE WHEN p.prokind = 'a' THEN concat_ws(
           ', ', pg_get_function_arguments(p.oid) || ' returns ' || pg_get_function_result(p.oid),
           'kind ' || a.aggkind::text, 'state ' || a.aggtransfn || ' ' || format_type(a.aggtranstype, NULL),
           'space ' || nullif(a.aggtransspace, 0),
           'final ' || nullif(a.aggfinalfn::oid, 0)::regproc::text || CASE WHEN a.aggfinalextra THEN ' extra' ELSE '' END,
           'final modify ' || a.aggfinalmodify::text,
           'combine ' || nullif(a.aggcombinefn::oid, 0)::regproc::text,
           'serial ' || nullif(a.aggserialfn::oid, 0)::regproc::text,
           'deserial ' || nullif(a.aggdeserialfn::oid, 0)::regproc::text,
           'initial ' || a.agginitval,
           'moving ' || nullif(a.aggmtransfn::oid, 0)::regproc::text || ' ' || format_type(a.aggmtranstype, NULL),
           'moving inverse ' || nullif(a.aggminvtransfn::oid, 0)::regproc::text,
           'moving space ' || nullif(a.aggmtransspace, 0),
           'moving final ' || nullif(a.aggmfinalfn::oid, 0)::regproc::text
               || CASE WHEN a.aggmfinalextra THEN ' extra' ELSE '' END,
           'moving final modify ' || a.aggmfinalmodify::text, 'moving initial ' || a.aggminitval,
           'sort ' || nullif(a.aggsortop, 0)::regoperator::text, 'parallel ' || p.proparallel::text
       ) END AS aggregate,
       d.description AS comment
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
LEFT JOIN pg_description d ON d.classoid = 'pg_proc'::regclass AND d.objoid = p.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_proc p.oid}}
    -- A range's constructors come with it.
    AND NOT EXISTS (
        SELECT FROM pg_depend i
        WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.refclassid = 'pg_type'::regclass
            AND i.deptype = 'i'
    )
