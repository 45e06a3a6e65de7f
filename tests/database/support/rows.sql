-- One row of every public table for each of the two tenants, made from the catalog. Included after
-- people.sql.
--
-- A value is the column's default where it has one, the other fixture row for a foreign key, and
-- otherwise the first of a list that satisfies the column's own checks. What a catalog cannot say
-- (checks over several columns) stands in fixture_values below: a table whose row cannot be made
-- is missing in fixture_rows, and the suite says so.

create temporary table fixture_values (
    table_name text,
    column_name text,
    -- An expression; {t} is the tenant's letter.
    expression text,
    primary key (table_name, column_name)
) on commit drop;
\ir fixture_values.sql

create temporary table fixture_rows (
    table_name text,
    tenant text,
    content jsonb not null,
    primary key (table_name, tenant)
) on commit drop;
create temporary table fixture_errors (table_name text, tenant text, message text) on commit drop;

-- The first value of a column's type that its single-column checks let pass.
create function pg_temp.candidate(rel regclass, attr name, tenant text) returns text
language plpgsql
as $$
declare
    kind text;
    checks text[];
    words text[];
    candidates text[];
    c text;
    ok boolean;
    k text;
begin
    select pg_catalog.format_type(a.atttypid, a.atttypmod) into kind
    from pg_catalog.pg_attribute a where a.attrelid = rel and a.attname = attr;
    select coalesce(array_agg(pg_catalog.pg_get_expr(x.conbin, rel)), '{}') into checks
    from pg_catalog.pg_constraint x
    join pg_catalog.pg_attribute a on a.attrelid = rel and a.attname = attr
    where x.conrelid = rel and x.contype = 'c' and x.conkey = array[a.attnum];
    select coalesce(array_agg(m[1]), '{}') into words
    from unnest(checks) e cross join lateral regexp_matches(e, '''([^'']+)''::text', 'g') m;

    if kind ~ 'char|text|citext' and kind !~ '\[\]$' then
        candidates := array[
            attr || '@' || tenant || '.example', 'Fixture ' || tenant, 'fixture-' || tenant, 'fixture_' || tenant,
            'FIXTURE00' || upper(tenant), 'fixture.' || tenant,
            repeat(tenant, 64), 'https://fixture.example/' || tenant, 'USD', 'US', 'en', 'UTC',
            'FREQ=DAILY', '+15550100', '#aabbcc', '12:00', '2027-01'
        ];
        if attr !~ 'email|recipient' then
            candidates := candidates[2:] || candidates[1];
        end if;
        candidates := candidates || words;
    elsif kind = 'uuid' then
        candidates := array[gen_random_uuid()::text];
    elsif kind ~ '^(integer|bigint|smallint|numeric|double|real)' then
        candidates := array['1', '0', '10', '100'];
    elsif kind ~ '^(timestamp|date)' then
        candidates := array[case when attr ~ '(^end|_end$|ends|until|expires|_to$|due|close)'
            then '2027-04-02 10:00:00+00' else '2027-04-01 10:00:00+00' end];
    elsif kind ~ '^json' then
        candidates := array['{}', '[]', '"x"', '1'];
    elsif kind ~ '\[\]$' then
        candidates := array['{}', '{fixture}', '{1}'] || array(select '{' || w || '}' from unnest(words) w);
    elsif kind = 'boolean' then
        candidates := array['false', 'true'];
    elsif kind = 'interval' then
        candidates := array['1 hour'];
    else
        candidates := array['1', '127.0.0.1', '\x00'];
    end if;

    foreach c in array candidates loop
        begin
            ok := true;
            execute format('select %L::%s', c, kind);
            foreach k in array checks loop
                execute format('select coalesce((%s), true) from (select %L::%s as %I) as v', k, c, kind, attr)
                into ok;
                exit when not ok;
            end loop;
            if ok then return c; end if;
        exception when others then null;
        end;
    end loop;
    return null;
end
$$;

-- What a foreign key's column gets: the referenced column of the fixture row, or a person.
create function pg_temp.reference(rel regclass, attr name, t text) returns text
language plpgsql
as $$
declare
    f record;
    policy_kind text := (select k.kind from kinds k where k.name = (
        select c.relname from pg_catalog.pg_class c where c.oid = rel));
begin
    for f in
        select c.relname::text as target, b.attname::text as target_column
        from pg_catalog.pg_constraint x
        cross join lateral unnest(x.conkey, x.confkey) as u (mine, theirs)
        join pg_catalog.pg_attribute a on a.attrelid = rel and a.attnum = u.mine
        join pg_catalog.pg_attribute b on b.attrelid = x.confrelid and b.attnum = u.theirs
        join pg_catalog.pg_class c on c.oid = x.confrelid
        where x.conrelid = rel and x.contype = 'f' and x.confrelid <> rel
            and a.attname = attr and a.attname <> 'organization_id'
    loop
        if f.target in ('profiles', 'organization_members', 'users') then
            return (select p.id from people p
                where p.account = case
                    when policy_kind = 'B' and f.target <> 'organization_members' then 'c1'
                    else t || '6'
                end);
        end if;
        return (select r.content ->> f.target_column from fixture_rows r
            where r.table_name = f.target and r.tenant = t);
    end loop;
    return null;
end
$$;

create function pg_temp.make_row(rel regclass, t text) returns void
language plpgsql
as $$
declare
    c record;
    columns text[] := '{}';
    vals text[] := '{}';
    v text;
    tab text := (select x.relname from pg_catalog.pg_class x where x.oid = rel);
    made jsonb;
begin
    for c in
        select a.attname, a.attnotnull, a.atthasdef, pg_catalog.format_type(a.atttypid, a.atttypmod) as kind,
            o.expression,
            exists (select from pg_catalog.pg_constraint x where x.conrelid = rel and x.contype = 'f'
                and a.attnum = any (x.conkey)) as is_reference
        from pg_catalog.pg_attribute a
        left join fixture_values o on o.table_name = tab and o.column_name = a.attname
        where a.attrelid = rel and a.attnum > 0 and not a.attisdropped
            and a.attgenerated = '' and a.attidentity = ''
        order by a.attnum
    loop
        v := null;
        if c.expression is not null then
            columns := columns || quote_ident(c.attname);
            vals := vals || format('(%s)::%s', replace(c.expression, '{t}', t), c.kind);
            continue;
        elsif c.attname = 'organization_id' then
            v := pg_temp.org(t);
        elsif c.is_reference then
            v := pg_temp.reference(rel, c.attname, t);
        elsif c.attname ~ '(^|_)email$' and (select k.kind from kinds k where k.name = tab) = 'B' then
            v := 'c1@fixture.example';
        elsif c.attnotnull and not c.atthasdef then
            v := pg_temp.candidate(rel, c.attname, t);
        end if;
        if v is not null then
            columns := columns || quote_ident(c.attname);
            vals := vals || format('%L::%s', v, c.kind);
        end if;
    end loop;
    execute format('insert into %s as made (%s) values (%s) returning to_jsonb(made)',
        rel, array_to_string(columns, ', '), array_to_string(vals, ', '))
    into made;
    insert into fixture_rows values (tab, t, made);
exception when others then
    insert into fixture_errors values (tab, t, sqlerrm);
end
$$;

-- Rows stand as they are written here: what triggers make of them is the business suites' matter,
-- and a policy must hold without their help.
do $$
declare
    t record;
begin
    for t in select name from own_tables loop
        execute format('alter table public.%I disable trigger user', t.name);
    end loop;
end
$$;

-- Parents first; of the tables whose parents are there, the one that lacks the fewest optional ones.
do $$
declare
    t record;
begin
    insert into fixture_rows
    select 'organizations', p.tenant, to_jsonb(o)
    from public.organizations o join (values ('a'), ('b')) p (tenant) on o.id = pg_temp.org(p.tenant);
    insert into fixture_rows
    select 'profiles', p.tenant, to_jsonb(o)
    from public.profiles o join people p on p.id = o.id and p.account in ('a6', 'b6');
    insert into fixture_rows
    select 'organization_members', p.tenant, to_jsonb(o)
    from public.organization_members o join people p on p.id = o.user_id and p.account in ('a6', 'b6');
    loop
        select o.oid, o.name into t
        from own_tables o
        cross join lateral (
            select count(*) filter (where x.needed) as required, count(*) as optional
            from (
                select bool_or(a.attnotnull and a.attname <> 'organization_id') as needed
                from pg_catalog.pg_constraint k
                join pg_catalog.pg_class p on p.oid = k.confrelid
                join pg_catalog.pg_attribute a on a.attrelid = o.oid and a.attnum = any (k.conkey)
                where k.conrelid = o.oid and k.contype = 'f' and k.confrelid <> o.oid
                    and p.relnamespace = 'public'::regnamespace
                    and not exists (select from fixture_rows r where r.table_name = p.relname)
                group by k.oid
            ) x
        ) lacking
        where not exists (select from fixture_rows r where r.table_name = o.name)
            and not exists (select from fixture_errors e where e.table_name = o.name)
        order by lacking.required, lacking.optional, o.name
        limit 1;
        exit when not found;
        perform pg_temp.make_row(t.oid::regclass, 'a');
        perform pg_temp.make_row(t.oid::regclass, 'b');
    end loop;
end
$$;
