-- What takes the side schema and all that is in it away from everybody but its owner: default privileges may have given
-- it to others. $1 is the schema.
select coalesce(string_agg(x.sql, '; '), '')
from (
    select distinct format('revoke all on schema %I from %s', n.nspname,
        case when a.grantee = 0 then 'public' else a.grantee::regrole::text end) as sql
    from pg_namespace n cross join lateral aclexplode(n.nspacl) a
    where n.nspname = $1 and a.grantee <> n.nspowner
    union all
    select distinct format('revoke all on %I.%I from %s', n.nspname, c.relname,
        case when a.grantee = 0 then 'public' else a.grantee::regrole::text end)
    from pg_namespace n
    join pg_class c on c.relnamespace = n.oid
    cross join lateral aclexplode(c.relacl) a
    where n.nspname = $1 and a.grantee <> c.relowner
) x
