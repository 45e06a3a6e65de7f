-- Functions and procedures of people that build statements at run time.
select distinct p.proname::text
from pg_catalog.pg_proc p
join pg_catalog.pg_language l on l.oid = p.prolang
where p.oid >= 16384 and l.lanname = 'plpgsql' and p.prosrc ~* '\mexecute\M'
order by 1
