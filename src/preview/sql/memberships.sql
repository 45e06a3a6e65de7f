-- Who is a member of whom.
select distinct g.rolname::text, m.rolname::text, a.admin_option::text
from pg_catalog.pg_auth_members a
join pg_catalog.pg_roles g on g.oid = a.roleid
join pg_catalog.pg_roles m on m.oid = a.member
where m.rolname !~ '^pg_'
order by 1, 2
