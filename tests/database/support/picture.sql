-- What a database looks like to the catalog, one line for each thing, without evmig's own schema: two
-- pictures are equal when nothing was left behind and nothing is missing. The tests compare them
-- where there is no pg_dump that knows the server.
set search_path = '';
set timezone = 'UTC';
with schemas as (
    select oid, nspname from pg_catalog.pg_namespace
    where nspname !~ '^(pg_|evmig$)' and nspname <> 'information_schema'
), members as (
    select classid, objid from pg_catalog.pg_depend where deptype = 'e'
), rels as (
    select c.*, s.nspname from pg_catalog.pg_class c join schemas s on s.oid = c.relnamespace
    where (1259, c.oid) not in (select classid::int, objid from members)
), procs as (
    select p.*, s.nspname from pg_catalog.pg_proc p join schemas s on s.oid = p.pronamespace
    where (1255, p.oid) not in (select classid::int, objid from members)
)
select line from (
    select format('role %s super=%s bypassrls=%s login=%s', rolname, rolsuper, rolbypassrls, rolcanlogin) as line
    from pg_catalog.pg_roles
    union all
    select format('member %s of %s', pg_catalog.pg_get_userbyid(member), pg_catalog.pg_get_userbyid(roleid))
    from pg_catalog.pg_auth_members
    union all
    select format('schema %s owner=%s acl=%s comment=%s', n.nspname, pg_catalog.pg_get_userbyid(n.nspowner),
        n.nspacl, pg_catalog.obj_description(n.oid, 'pg_namespace'))
    from pg_catalog.pg_namespace n join schemas s on s.oid = n.oid
    union all
    select format('extension %s in %s version=%s', e.extname, n.nspname, e.extversion)
    from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    union all
    select format('relation %s.%s kind=%s owner=%s persistence=%s acl=%s rls=%s force=%s options=%s bound=%s key=%s comment=%s',
        nspname, relname, relkind, pg_catalog.pg_get_userbyid(relowner), relpersistence, relacl,
        relrowsecurity, relforcerowsecurity, reloptions, pg_catalog.pg_get_expr(relpartbound, oid),
        case relkind when 'p' then pg_catalog.pg_get_partkeydef(oid) end,
        pg_catalog.obj_description(oid, 'pg_class'))
    from rels
    union all
    select format('column %s.%s %s %s type=%s notnull=%s identity=%s generated=%s default=%s acl=%s comment=%s',
        r.nspname, r.relname, a.attnum, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
        a.attnotnull, a.attidentity, a.attgenerated, pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attacl,
        pg_catalog.col_description(r.oid, a.attnum))
    from rels r
    join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
    union all
    select format('constraint %s.%s %s %s valid=%s comment=%s', r.nspname, r.relname, k.conname,
        pg_catalog.pg_get_constraintdef(k.oid), k.convalidated, pg_catalog.obj_description(k.oid, 'pg_constraint'))
    from pg_catalog.pg_constraint k join rels r on r.oid = k.conrelid
    union all
    select format('index %s valid=%s', pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid)
    from pg_catalog.pg_index i join rels r on r.oid = i.indexrelid
    union all
    select format('sequence %s.%s %s', r.nspname, r.relname, row(q.seqtypid::regtype, q.seqstart, q.seqincrement, q.seqmax, q.seqmin, q.seqcache, q.seqcycle))
    from pg_catalog.pg_sequence q join rels r on r.oid = q.seqrelid
    union all
    select format('policy %s.%s %s cmd=%s permissive=%s roles=%s using=%s check=%s', r.nspname, r.relname, p.polname,
        p.polcmd, p.polpermissive,
        (select array_agg(case x when 0 then 'public' else pg_catalog.pg_get_userbyid(x)::text end order by 1) from unnest(p.polroles) x),
        pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
    from pg_catalog.pg_policy p join rels r on r.oid = p.polrelid
    union all
    select format('trigger %s enabled=%s', pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled)
    from pg_catalog.pg_trigger t join rels r on r.oid = t.tgrelid where not t.tgisinternal
    union all
    select format('statistics %s', pg_catalog.pg_get_statisticsobjdef(x.oid))
    from pg_catalog.pg_statistic_ext x join schemas s on s.oid = x.stxnamespace
    union all
    select format('function %s.%s(%s) owner=%s acl=%s comment=%s def=%s', nspname, proname,
        pg_catalog.pg_get_function_identity_arguments(oid), pg_catalog.pg_get_userbyid(proowner), proacl,
        pg_catalog.obj_description(oid, 'pg_proc'),
        case when prokind <> 'a' then pg_catalog.md5(pg_catalog.pg_get_functiondef(oid)) end)
    from procs
    union all
    select format('type %s.%s kind=%s owner=%s acl=%s', s.nspname, t.typname, t.typtype, pg_catalog.pg_get_userbyid(t.typowner), t.typacl)
    from pg_catalog.pg_type t join schemas s on s.oid = t.typnamespace
    where (1247, t.oid) not in (select classid::int, objid from members)
    union all
    select format('default acl %s %s %s %s', pg_catalog.pg_get_userbyid(defaclrole), n.nspname, defaclobjtype, defaclacl)
    from pg_catalog.pg_default_acl d left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
    union all
    select format('event trigger %s %s enabled=%s', evtname, evtevent, evtenabled) from pg_catalog.pg_event_trigger
) picture
order by line collate "C";
