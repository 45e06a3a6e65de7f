-- The published lints of Supabase's database advisors, by id and name, in queries of our own: from
-- what each is documented to find. All must find nothing, the INFO ones included.
-- Needs: any number of phases.
--
-- Not here, since a fresh database cannot answer them: 0005 unused_index, 0020 table_bloat,
-- 0031 unused_replication_slot. 0012 is a setting of the auth server.
\ir support/begin.sql
\ir support/catalog.sql
select * from no_plan();

-- What the API shows: everything of these schemas.
create temporary view exposed as
select c.oid, n.nspname::text as schema, c.relname::text as name, c.relkind, c.relrowsecurity, c.reloptions, r.role,
    pg_catalog.has_table_privilege(r.role, c.oid, 'select')
        or pg_catalog.has_any_column_privilege(r.role, c.oid, 'select') as readable
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join (values ('anon'), ('authenticated')) r (role)
where n.nspname in ('public', 'graphql_public')
    and not exists (
        select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e');

select is_empty(
    $$ select f.conrelid::regclass, f.conname from own_foreign_keys f
       where not exists (select from pg_catalog.pg_index i
           where i.indrelid = f.conrelid and i.indpred is null
               and (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey) $$,
    '0001 unindexed_foreign_keys');
select is_empty(
    $$ select distinct e.name from exposed e
       join pg_catalog.pg_rewrite w on w.ev_class = e.oid
       join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
           and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = to_regclass('auth.users')
       where e.relkind in ('v', 'm') and e.readable $$,
    '0002 auth_users_exposed');
select is_empty(
    $$ select name, polname from table_policies
       where regexp_replace(coalesce(qual, '') || ' ' || coalesce(chk, ''),
               '\( SELECT (auth\.(uid|jwt|role|email)\(\)|current_setting\()', '', 'g')
           ~ '(auth\.(uid|jwt|role|email)\(\)|current_setting\()' $$,
    '0003 auth_rls_initplan');
select is_empty(
    $$ select name from own_tables t
       where not exists (select from pg_catalog.pg_constraint k where k.conrelid = t.oid and k.contype = 'p') $$,
    '0004 no_primary_key');
select is_empty(
    $$ select name, role, cmd from table_policies where polpermissive
       group by name, role, cmd having count(distinct polname) > 1 $$,
    '0006 multiple_permissive_policies');
select is_empty(
    $$ select t.name from own_tables t
       where not t.relrowsecurity and exists (select from pg_catalog.pg_policy p where p.polrelid = t.oid) $$,
    '0007 policy_exists_rls_disabled');
select is_empty(
    $$ select t.name from own_tables t
       where t.relrowsecurity and not exists (select from pg_catalog.pg_policy p where p.polrelid = t.oid) $$,
    '0008 rls_enabled_no_policy');
select is_empty(
    $$ select min(i.indexrelid::regclass::text), max(i.indexrelid::regclass::text)
       from pg_catalog.pg_index i join own_tables t on t.oid = i.indrelid
       group by i.indrelid, regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ', '')
       having count(*) > 1 $$,
    '0009 duplicate_index');
select is_empty(
    $$ select name from exposed
       where relkind = 'v' and readable
           and not coalesce(reloptions, '{}') && array['security_invoker=on', 'security_invoker=true', 'security_invoker=1', 'security_invoker=yes'] $$,
    '0010 security_definer_view');
select is_empty(
    $$ select name from own_functions
       where not exists (select from unnest(proconfig) c where c like 'search\_path=%') $$,
    '0011 function_search_path_mutable');
select is_empty(
    $$ select name from exposed where relkind in ('r', 'p') and not relrowsecurity $$,
    '0013 rls_disabled_in_public');
select is_empty(
    $$ select extname from pg_catalog.pg_extension
       where extnamespace = 'public'::regnamespace and extname <> 'pgtap' $$,
    '0014 extension_in_public');
select is_empty(
    $$ select name, polname from table_policies
       where coalesce(qual, '') || coalesce(chk, '') ~ '(raw_)?user_meta_?data' $$,
    '0015 rls_references_user_metadata');
select is_empty(
    $$ select name from exposed where relkind = 'm' and readable $$,
    '0016 materialized_view_in_api');
select is_empty(
    $$ select name from exposed where relkind = 'f' and readable $$,
    '0017 foreign_table_in_api');
select is_empty(
    $$ select t.name, a.attname from own_tables t
       join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
       where a.atttypid in ('regcollation'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype,
           'regnamespace'::regtype, 'regoper'::regtype, 'regoperator'::regtype, 'regproc'::regtype,
           'regprocedure'::regtype) $$,
    '0018 unsupported_reg_types');
select is_empty(
    $$ select c.relname from pg_catalog.pg_class c
       where c.relnamespace = to_regnamespace('pgmq') and c.relname like 'q\_%' and not c.relrowsecurity
           and (pg_catalog.has_table_privilege('anon', c.oid, 'select')
               or pg_catalog.has_table_privilege('authenticated', c.oid, 'select')) $$,
    '0019 insecure_queue_exposed_in_api');
select is_empty(
    $$ select f.conrelid::regclass, f.conname from pg_catalog.pg_constraint f
       join pg_catalog.pg_class target on target.oid = f.confrelid
       where f.contype = 'f' and target.relnamespace = to_regnamespace('auth')
           and not exists (select from pg_catalog.pg_constraint k
               where k.conrelid = f.confrelid and k.contype = 'p' and k.conindid = f.conindid) $$,
    '0021 fkey_to_auth_unique');
select is_empty(
    $$ select e.extname from pg_catalog.pg_extension e
       join pg_catalog.pg_available_extensions a on a.name = e.extname
       where a.default_version <> e.extversion $$,
    '0022 extension_versions_outdated');
select is_empty(
    $$ select e.name, a.attname from exposed e
       join pg_catalog.pg_attribute a on a.attrelid = e.oid and a.attnum > 0 and not a.attisdropped
       where e.relkind in ('r', 'p', 'v') and pg_catalog.has_column_privilege(e.role, e.oid, a.attnum, 'select')
           -- A hash, or a reference to where the secret is, gives nothing away; a count of tokens neither.
           and a.attname !~ '(_hash|_ref|_id|_at|_tokens)$' and a.attname <> 'tokens'
           and a.attname ~ '(password|passwd|secret|token|api_key|apikey|private_key|credential|ssn|social_security|passport|card_number|cvv|iban|account_number)' $$,
    '0023 sensitive_columns_exposed');
select is_empty(
    $$ select name, polname, role, cmd from table_policies
       where polpermissive and role in ('anon', 'authenticated', 'PUBLIC') and cmd <> 'SELECT'
           and (chk = 'true' or (qual = 'true' and coalesce(chk, 'true') = 'true')) $$,
    '0024 rls_policy_always_true');
select is_empty(
    $$ select polname from pg_catalog.pg_policy
       where polrelid = to_regclass('storage.objects') and polcmd in ('r', '*')
           and pg_catalog.pg_get_expr(polqual, polrelid) ~ '^\(?bucket_id = ''[^'']*''(::text)?\)?$' $$,
    '0025 public_bucket_allows_listing');
select is_empty(
    format($$ select name from exposed
       where readable and role = %L and relkind in ('r', 'p', 'v', 'm')
           and exists (select from pg_catalog.pg_extension where extname = 'pg_graphql') $$, l.role),
    l.name)
from (values ('anon', '0026 pg_graphql_anon_table_exposed'),
    ('authenticated', '0027 pg_graphql_authenticated_table_exposed')) l (role, name);
select is_empty(
    format($$ select name from own_functions
       where schema = 'public' and prosecdef and prorettype <> 'trigger'::regtype
           and pg_catalog.has_function_privilege(%L, oid, 'execute') $$, l.role),
    l.name)
from (values ('anon', '0028 anon_security_definer_function_executable'),
    ('authenticated', '0029 authenticated_security_definer_function_executable')) l (role, name);
select is_empty(
    $$ select i.indexrelid::regclass from pg_catalog.pg_index i
       join pg_catalog.pg_class c on c.oid = i.indexrelid
       where not i.indisvalid and c.relnamespace in ('public'::regnamespace, 'app_private'::regnamespace) $$,
    '0030 invalid_index');

select * from finish();
rollback;
