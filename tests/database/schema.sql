-- What every table, index, policy, grant and function must look like, and the contract that the
-- platform's plan relies on.
-- Needs: phase 1 (later phases are covered as they add to it).
\ir support/begin.sql
\ir support/catalog.sql
\ir support/people.sql
select * from no_plan();

-- Tables ---------------------------------------------------------------------------------------

select cmp_ok((select count(*) from own_tables), '>=', 80::bigint, 'the platform has its eighty tables');
select is_empty(
    $$ select name from own_tables where not relrowsecurity $$,
    'row-level security is on for every public table');
select is_empty(
    $$ select i.inhrelid::regclass from pg_catalog.pg_inherits i
       join pg_catalog.pg_class c on c.oid = i.inhrelid
       join own_tables t on t.oid = i.inhparent
       where not c.relrowsecurity $$,
    'row-level security is on for every partition');
select is_empty(
    $$ select name from own_tables t where not exists (select from table_policies p where p.name = t.name) $$,
    'every public table has a policy');
select is_empty(
    $$ select name from own_tables where pg_catalog.obj_description(oid, 'pg_class') is null $$,
    'every public table has a comment');
select is_empty(
    $$ select name from own_tables t
       where not exists (select from pg_catalog.pg_index i where i.indrelid = t.oid and i.indisprimary) $$,
    'every public table has a primary key');
select is_empty(
    $$ select t.name from own_tables t
       join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attname = 'organization_id'
       where not exists (select from own_indexes i where i.indrelid = t.oid and i.cols[1] = a.attnum) $$,
    'organization_id leads an index wherever it is');
-- Partitioned by time, their key must hold the time: one of (organization_id, id) cannot be had.
select is_empty(
    $$ select t.name from own_tables t
       join pg_catalog.pg_attribute o on o.attrelid = t.oid and o.attname = 'organization_id'
       join pg_catalog.pg_attribute d on d.attrelid = t.oid and d.attname = 'id'
       where t.relkind = 'r' and not exists (
           select from own_indexes i
           where i.indrelid = t.oid and i.indisunique and i.cols::int2[] = array[o.attnum, d.attnum]) $$,
    'every tenant table is unique by (organization_id, id)');
select is_empty(
    $$ select t.name from own_tables t
       join pg_catalog.pg_attribute o on o.attrelid = t.oid and o.attname = 'organization_id'
       where t.relkind = 'r' and not exists (
           select from own_foreign_keys f where f.conrelid = t.oid and o.attnum = any (f.conkey)) $$,
    'every organization_id is a reference');
select is_empty(
    $$ select t.name, w.name from own_tables t cross join (values ('created_at'), ('updated_at')) as w (name)
       -- What is only ever added to is not updated, and an analytics event has occurred_at.
       where not (t.relkind = 'p' and w.name = 'updated_at')
           and (t.name, w.name) <> ('analytics_events', 'created_at')
           and not exists (
           select from pg_catalog.pg_attribute a
           where a.attrelid = t.oid and a.attname = w.name and a.attnotnull and a.atthasdef
               and a.atttypid = 'timestamptz'::regtype) $$,
    'created_at and updated_at are there, with a default');
select is_empty(
    $$ select t.name from own_tables t
       join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attname = 'updated_at'
       where not exists (
           select from pg_catalog.pg_trigger g
           where g.tgrelid = t.oid and g.tgname = 'set_updated_at' and g.tgenabled = 'O') $$,
    'updated_at has its trigger everywhere');
select is_empty(
    $$ select g.tgrelid::regclass, g.tgname from pg_catalog.pg_trigger g
       join own_tables t on t.oid = g.tgrelid
       where not g.tgisinternal and g.tgenabled <> 'O' $$,
    'no trigger is disabled');

-- Foreign keys and indexes ---------------------------------------------------------------------

select is_empty(
    $$ select f.conrelid::regclass, f.conname from own_foreign_keys f
       where not exists (
           select from own_indexes i
           where i.indrelid = f.conrelid and i.cols[1:cardinality(f.conkey)]::int2[] = f.conkey) $$,
    'every foreign key has an index that starts with its columns');
select is_empty(
    $$ select f.conrelid::regclass, f.conname from own_foreign_keys f
       join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attname = 'organization_id'
       join pg_catalog.pg_attribute b on b.attrelid = f.confrelid and b.attname = 'organization_id'
       where not a.attnum = any (f.conkey) $$,
    'a foreign key between tables of tenants carries the tenant');
select is_empty(
    $$ select k.conrelid::regclass, k.conname from pg_catalog.pg_constraint k
       join own_tables t on t.oid = k.conrelid where not k.convalidated $$,
    'every constraint is validated');
select is_empty(
    $$ select i.indexrelid::regclass from pg_catalog.pg_index i
       join own_tables t on t.oid = i.indrelid where not (i.indisvalid and i.indisready and i.indislive) $$,
    'every index is valid');
select is_empty(
    $$ select a.indexrelid::regclass, b.indexrelid::regclass
       from own_indexes a join own_indexes b on b.indrelid = a.indrelid and b.indexrelid <> a.indexrelid
       join pg_catalog.pg_class ca on ca.oid = a.indexrelid
       join pg_catalog.pg_class cb on cb.oid = b.indexrelid
       join own_tables t on t.oid = a.indrelid
       where ca.relam = cb.relam and not a.indisunique
           and b.cols[1:a.indnkeyatts]::int2[] = a.cols::int2[]
           and (a.indoption::int2[])[0:a.indnkeyatts - 1] = (b.indoption::int2[])[0:a.indnkeyatts - 1]
           and (a.indclass::oid[])[0:a.indnkeyatts - 1] = (b.indclass::oid[])[0:a.indnkeyatts - 1]
           and (a.indnkeyatts < b.indnkeyatts or a.indexrelid > b.indexrelid or b.indisunique)
           and a.indnatts = a.indnkeyatts $$,
    'no index repeats the beginning of another');

-- Grants and policies --------------------------------------------------------------------------

create temporary table anon_reads (name text primary key) on commit drop;
insert into anon_reads values
    ('event_categories'), ('event_sessions'), ('events'), ('kpi_definitions'), ('session_speakers'), ('speakers'),
    ('sponsor_packages'), ('surveys'), ('ticket_categories'), ('venue_spaces'), ('venues');
select is_empty(
    $$ select name, grantee, privilege, is_grantable from table_grants
       where grantee not in ('anon', 'authenticated', 'service_role')
           or privilege not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
           or is_grantable $$,
    'tables are granted to the API roles alone, no more than rows, and not to pass on');
select is_empty(
    $$ select name, privilege from table_grants where grantee = 'anon' and privilege <> 'SELECT' $$,
    'anon writes nothing');
select set_eq(
    $$ select name from table_grants where grantee = 'anon' $$,
    $$ select name from anon_reads $$,
    'anon reads what can be published, and no more');
select is_empty(
    $$ select t.name, w.privilege from own_tables t
       cross join (values ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) as w (privilege)
       where (t.name <> 'audit_log' or w.privilege = 'SELECT')
           and not pg_catalog.has_table_privilege('service_role', t.oid, w.privilege) $$,
    'service_role reads and writes every table');
select is_empty(
    $$ select t.name, w.privilege from own_tables t
       cross join (values ('INSERT'), ('UPDATE'), ('DELETE')) as w (privilege)
       where t.name = 'audit_log' and pg_catalog.has_table_privilege('service_role', t.oid, w.privilege) $$,
    'the audit log is written by nobody but its trigger');
select is_empty(
    $$ select name, grantee, privilege from table_grants a
       where not exists (select from table_policies p
           where p.name = a.name and p.role = a.grantee and p.cmd = a.privilege) $$,
    'whatever is granted has a policy');
select is_empty(
    $$ select name, polname, role, cmd from table_policies p
       where p.qual is distinct from 'false' and not exists (select from table_grants a
           where a.name = p.name and a.grantee = p.role and a.privilege = p.cmd) $$,
    'whatever a policy allows is granted');
select is_empty(
    $$ select name, polname from table_policies where role not in ('anon', 'authenticated', 'service_role') $$,
    'every policy is for an API role by name');
select is_empty(
    $$ select name, polname from table_policies where cmd = 'UPDATE' and (qual is null or chk is null) $$,
    'every update policy looks at the row before and after');
select is_empty(
    $$ select t.name from own_tables t
       where not exists (select from table_policies p where p.name = t.name and p.role = 'service_role') $$,
    'service_role hangs on no BYPASSRLS');
select is_empty(
    $$ select c.oid::regclass, a.privilege_type, coalesce(r.rolname, 'PUBLIC')
       from pg_catalog.pg_class c
       cross join lateral pg_catalog.aclexplode(coalesce(
           c.relacl,
           pg_catalog.acldefault((case c.relkind when 'S' then 's' else 'r' end)::"char", c.relowner)
       )) a
       left join pg_catalog.pg_roles r on r.oid = a.grantee
       where a.grantee not in (select oid from admins) and c.relowner in (select relowner from own_tables) and (
           (c.relkind = 'S' and c.relnamespace = 'public'::regnamespace)
           or (c.relkind in ('r', 'p', 'S', 'v', 'm') and c.relnamespace = 'app_private'::regnamespace)) $$,
    'sequences and what is in app_private are granted to nobody');
select is_empty(
    $$ select n.nspname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type
       from pg_catalog.pg_namespace n
       cross join lateral pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
       left join pg_catalog.pg_roles r on r.oid = a.grantee
       where n.nspname = 'app_private' and a.grantee <> n.nspowner
           and (a.privilege_type <> 'USAGE' or r.rolname is null) $$,
    'app_private lets nobody make things, and not everybody in');

-- Functions and views --------------------------------------------------------------------------

select is_empty(
    $$ select name from own_functions
       where not coalesce(proconfig, '{}') && array['search_path=""', 'search_path='] $$,
    'every function has a fixed, empty search_path');
select is_empty(
    $$ select name, grantee from function_grants where grantee not in ('anon', 'authenticated', 'service_role') $$,
    'functions are granted to API roles by name, never to PUBLIC');
create temporary table anon_calls (name text primary key) on commit drop;
\ir support/anon_calls.sql
select is_empty(
    $$ select name from function_grants where grantee = 'anon' and proname not in (select name from anon_calls) $$,
    'anon calls what is meant for the public, and no more');
select is_empty(
    $$ select f.name, g.grantee from own_functions f join function_grants g on g.oid = f.oid
       where f.prorettype = 'trigger'::regtype $$,
    'trigger functions are called by triggers alone');
select is_empty(
    $$ select name from own_functions where pg_catalog.obj_description(oid, 'pg_proc') is null $$,
    'every function has a comment');
select is_empty(
    $$ select name from own_functions f join pg_catalog.pg_language l on l.oid = f.prolang
       where l.lanname not in ('sql', 'plpgsql') $$,
    'functions are in sql and plpgsql');
select is_empty(
    $$ select schema, name from own_views
       where relkind = 'v' and schema = 'public'
           and not coalesce(reloptions, '{}') && array['security_invoker=on', 'security_invoker=true'] $$,
    'no public view reads with its owner''s rights');
select is_empty(
    $$ select schema, name from own_views where relkind = 'm' and schema = 'public' $$,
    'no materialized view is where the API looks');
select is_empty(
    $$ select schema, name from own_views where pg_catalog.obj_description(oid, 'pg_class') is null $$,
    'every view has a comment');
select is_empty(
    $$ select extname from pg_catalog.pg_extension
       where extnamespace = 'public'::regnamespace and extname <> 'pgtap' $$,
    'no extension is in schema public');

select is_empty(
    $$ select n.nspname, r.role from pg_catalog.pg_namespace n
       cross join (values ('anon'), ('authenticated')) r (role)
       where n.nspname = 'monitoring' and pg_catalog.has_schema_privilege(r.role, n.oid, 'usage') $$,
    'the state of the database is not the API''s business');
select lives_ok(format('select * from %I.%I limit 1', schema, name), format('%s.%s can be read', schema, name))
from own_views where schema = 'monitoring' order by name;

-- The contract of the platform's plan ----------------------------------------------------------

select lives_ok(
    $$ insert into public.events (organization_id, name, start_date, end_date)
       values (pg_temp.org('a'), 'Contract', '2027-01-01', '2027-01-02') $$,
    'a tenant, a name and two dates make an event');
select is(
    (select status from public.events where name = 'Contract' and organization_id = pg_temp.org('a')),
    'planning', 'an event begins in planning');
select set_eq(
    $$ select m[1] from pg_catalog.pg_constraint k
       cross join lateral regexp_matches(pg_catalog.pg_get_expr(k.conbin, k.conrelid), '''([^'']+)''::text', 'g') m
       where k.conrelid = 'public.events'::regclass and k.contype = 'c'
           and k.conkey = (select array[attnum] from pg_catalog.pg_attribute
               where attrelid = 'public.events'::regclass and attname = 'status') $$,
    array['draft', 'planning', 'confirmed', 'live', 'completed', 'cancelled', 'postponed'],
    'an event''s states are those of the plan');
select throws_ok(
    $$ insert into public.events (organization_id, name, start_date, end_date)
       values (pg_temp.org('a'), 'Backwards', '2027-01-02', '2027-01-01') $$,
    '23514', null, 'an event does not end before it starts');
select columns_are('public', t.name, t.names, t.name || ' has the columns of the plan')
from (values
    ('organization_members', array['organization_id', 'user_id', 'role', 'role_id', 'status', 'title', 'created_at', 'updated_at'])
) as t (name, names);
select has_column('public', c.tab, c.col, format('%s.%s, which the plan queries', c.tab, c.col))
from (values
    ('events', 'organization_id'), ('events', 'name'), ('events', 'start_date'), ('events', 'end_date'),
    ('events', 'status'), ('orders', 'order_status'), ('orders', 'payment_id'), ('orders', 'quantity'),
    ('orders', 'created_at'), ('orders', 'event_id'), ('tickets', 'order_id'), ('tickets', 'order_item_id'),
    ('integration_logs', 'status'), ('integration_logs', 'created_at'), ('audit_log', 'created_at')
) as c (tab, col);
select lives_ok(
    $$ insert into public.integration_logs (organization_id, integration, status)
       values (pg_temp.org('a'), 'stripe', 'error') $$,
    'an integration''s error is logged with three values');
select is(
    (select count(*) from pg_catalog.pg_inherits i where i.inhparent = 'public.audit_log'::regclass) > 1,
    true, 'the audit log has months');

select * from finish();
rollback;
