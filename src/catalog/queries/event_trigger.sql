-- Event triggers.
SELECT 'event trigger' AS kind, NULL AS schema, NULL AS parent, e.evtname AS name,
       pg_get_userbyid(e.evtowner) AS owner, e.evtevent AS event,
       (SELECT string_agg(t, ', ' ORDER BY t) FROM unnest(e.evttags) AS t) AS tags,
       e.evtfoid::regproc::text AS function,
       CASE e.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS state,
       d.description AS comment
FROM pg_event_trigger e
LEFT JOIN pg_description d ON d.classoid = 'pg_event_trigger'::regclass AND d.objoid = e.oid AND d.objsubid = 0
WHERE {{no_member pg_event_trigger e.oid}}
