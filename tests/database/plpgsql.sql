-- Every function of the platform, read by plpgsql_check: trigger functions with each table they are
-- on, the others by themselves. Nothing may be found, not even a warning.
-- Needs: any number of phases, and the extension plpgsql_check.
\ir support/begin.sql
\ir support/catalog.sql
set local search_path from current;
do $$
begin
    if not exists (select from pg_catalog.pg_extension where extname = 'plpgsql_check') then
        execute format('create extension plpgsql_check schema %I',
            (select n.nspname from pg_catalog.pg_extension e
                join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pgtap'));
    end if;
end
$$;
select * from no_plan();

create temporary table subjects on commit drop as
select f.oid, f.name, f.proretset as returns_set, coalesce(g.tgrelid, 0) as rel, g.old_name, g.new_name
from own_functions f
join pg_catalog.pg_language l on l.oid = f.prolang and l.lanname = 'plpgsql'
left join (
    select distinct t.tgfoid, t.tgrelid, t.tgoldtable as old_name, t.tgnewtable as new_name
    from pg_catalog.pg_trigger t
    where not t.tgisinternal and t.tgparentid = 0
) g on g.tgfoid = f.oid
where f.prorettype <> 'event_trigger'::regtype;

select is_empty(
    $$ select name from subjects where rel = 0 and oid in (
           select oid from own_functions where prorettype = 'trigger'::regtype) $$,
    'every trigger function is on a table');
select is(
    (select coalesce(array_agg(format('%s: %s:%s %s %s', c.level, c.statement, c.lineno, c.message, c.hint)), '{}')
        from plpgsql_check_function_tb(
            s.oid::regprocedure, s.rel::regclass, fatal_errors => false,
            oldtable => s.old_name, newtable => s.new_name,
            other_warnings => true, extra_warnings => true, performance_warnings => false, security_warnings => true
        ) c
        -- RETURN QUERY EXECUTE fills the columns of RETURNS TABLE, which the checker does not see.
        where not (s.returns_set and c.message ~ '^OUT variable ".*" is maybe unmodified')),
    '{}',
    s.name || case when s.rel = 0 then '' else ' on ' || s.rel::regclass::text end)
from subjects s
order by s.name, s.rel::regclass::text;
select cmp_ok((select count(*) from subjects), '>', 0::bigint, 'there are functions to read');

select * from finish();
rollback;
