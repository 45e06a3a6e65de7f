-- Databases that look like throw-away ones, and the sessions that say that a run still uses its own.
select d.datname::text, null::text
from pg_catalog.pg_database d
where d.datname like 'evmig\_shadow\_%'
union all
select ''::text, a.application_name
from pg_catalog.pg_stat_activity a
where a.application_name like 'evmig-shadow %'
