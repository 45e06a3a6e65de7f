-- Subscriptions, without the connection string: it holds a password, and only superusers may read it.
SELECT 'subscription' AS kind, NULL AS schema, NULL AS parent, s.subname AS name,
       pg_get_userbyid(s.subowner) AS owner,
       CASE WHEN NOT s.subenabled THEN 'no' END AS enabled,
       s.subslotname::text AS slot, s.subsynccommit AS synchronous_commit,
       (SELECT string_agg(quote_ident(p), ', ' ORDER BY p) FROM unnest(s.subpublications) AS p) AS publications,
       CASE WHEN s.subbinary THEN 'yes' END AS binary, s.substream::text AS streaming,
       {{if 150000}}s.subtwophasestate::text{{else}}NULL{{end}} AS two_phase,
       {{if 150000}}CASE WHEN s.subdisableonerr THEN 'yes' END{{else}}NULL{{end}} AS disable_on_error,
       {{if 160000}}s.suborigin{{else}}NULL{{end}} AS origin,
       {{if 160000}}CASE WHEN NOT s.subpasswordrequired THEN 'no' END{{else}}NULL{{end}} AS password_required,
       {{if 160000}}CASE WHEN s.subrunasowner THEN 'yes' END{{else}}NULL{{end}} AS run_as_owner,
       {{if 170000}}CASE WHEN s.subfailover THEN 'yes' END{{else}}NULL{{end}} AS failover,
       d.description AS comment
FROM pg_subscription s
LEFT JOIN pg_description d ON d.classoid = 'pg_subscription'::regclass AND d.objoid = s.oid AND d.objsubid = 0
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
