-- Text search: parsers, templates, dictionaries, configurations.
SELECT 'text search parser' AS kind, n.nspname AS schema, NULL AS parent, p.prsname AS name, NULL AS owner,
       concat_ws(', ', p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype) AS definition,
       d.description AS comment
FROM pg_ts_parser p
JOIN pg_namespace n ON n.oid = p.prsnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_parser'::regclass AND d.objoid = p.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_ts_parser p.oid}}
UNION ALL
SELECT 'text search template', n.nspname, NULL, t.tmplname, NULL,
       concat_ws(', ', t.tmplinit, t.tmpllexize), d.description
FROM pg_ts_template t
JOIN pg_namespace n ON n.oid = t.tmplnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_template'::regclass AND d.objoid = t.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_ts_template t.oid}}
UNION ALL
SELECT 'text search dictionary', n.nspname, NULL, t.dictname, pg_get_userbyid(t.dictowner),
       concat_ws(', ', 'template ' || quote_ident(tn.nspname) || '.' || quote_ident(tt.tmplname), t.dictinitoption),
       d.description
FROM pg_ts_dict t
JOIN pg_namespace n ON n.oid = t.dictnamespace
JOIN pg_ts_template tt ON tt.oid = t.dicttemplate
JOIN pg_namespace tn ON tn.oid = tt.tmplnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_dict'::regclass AND d.objoid = t.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_ts_dict t.oid}}
UNION ALL
SELECT 'text search configuration', n.nspname, NULL, t.cfgname, pg_get_userbyid(t.cfgowner),
       'parser ' || quote_ident(pn.nspname) || '.' || quote_ident(p.prsname) || coalesce(': ' || (
           SELECT string_agg(k.alias || ' with ' || m.mapdict::regdictionary, ', ' ORDER BY k.alias, m.mapseqno)
           FROM pg_ts_config_map m
           JOIN ts_token_type(t.cfgparser) k ON k.tokid = m.maptokentype
           WHERE m.mapcfg = t.oid
       ), ''),
       d.description
FROM pg_ts_config t
JOIN pg_namespace n ON n.oid = t.cfgnamespace
JOIN pg_ts_parser p ON p.oid = t.cfgparser
JOIN pg_namespace pn ON pn.oid = p.prsnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_ts_config'::regclass AND d.objoid = t.oid AND d.objsubid = 0
WHERE {{user_schema n}} AND {{no_member pg_ts_config t.oid}}
