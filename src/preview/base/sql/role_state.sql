-- What a database of this server leans on that is not in it: roles, since when the server runs, and the day, which
-- files can ask for; as one hash.
select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg(one, E'\n' order by one), 'UTF8')), 'hex')
from (
    select pg_catalog.pg_postmaster_start_time()::text as one
    union all
    select current_date::text
    union all
    select pg_catalog.to_jsonb(r)::text from pg_catalog.pg_roles r
    union all
    select pg_catalog.to_jsonb(m)::text from pg_catalog.pg_auth_members m
) all_of_it
