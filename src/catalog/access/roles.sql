-- Roles with what they are by themselves, and whose privileges they have without SET ROLE.
SELECT r.rolname AS role, r.rolsuper::text AS superuser, r.rolbypassrls::text AS bypasses,
       (
           SELECT jsonb_agg(o.rolname ORDER BY o.rolname)
           FROM (
               SELECT g.rolname
               FROM pg_auth_members m
               JOIN pg_roles g ON g.oid = m.roleid
               WHERE m.member = r.oid AND {{if 160000}}m.inherit_option{{else}}r.rolinherit{{end}}
               UNION
               -- The owner of the database is a member without a grant.
               SELECT 'pg_database_owner'
               FROM pg_database d
               WHERE d.datname = current_database() AND d.datdba = r.oid
                   AND {{if 160000}}true{{else}}r.rolinherit{{end}}
           ) AS o
       )::text AS inherits
FROM pg_roles r
