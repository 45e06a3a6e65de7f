-- Who may do what to which row: two tenants, every persona, every public table, every command.
-- Needs: phase 1 (later phases are covered as they add tables).
--
-- The rows come from the catalog (support/rows.sql), the expectation from the table's kind and the
-- exceptions below. Statements are really run, in the persona's name; user triggers are off, so
-- that a policy is judged alone and an error of class 23 (a constraint, looked at after row-level
-- security) means that it let the row pass.
\ir support/begin.sql
\ir support/catalog.sql
\ir support/people.sql
\ir support/kinds.sql
\ir support/rows.sql
select * from no_plan();

-- What a kind says by itself. app_private.table_policies says it for each table; where the two
-- differ, an exception below says why.
create temporary table expected (
    kind text primary key, may_select text[], may_insert text[], may_update text[], may_delete text[], own text[]
) on commit drop;
insert into expected values
    ('M', '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}', '{owner,admin,manager}',
        '{owner,admin}', '{}'),
    ('P', '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager}', '{owner,admin,manager}',
        '{owner,admin}', '{}'),
    ('F', '{owner,admin,finance}', '{owner,admin,finance}', '{owner,admin,finance}',
        '{owner,admin,finance}', '{}'),
    ('B', '{owner,admin,manager,finance,staff,member}', '{owner,admin,manager,staff}', '{owner,admin,manager,staff}',
        '{owner,admin}', '{select}'),
    ('O', '{}', '{}', '{}', '{}', '{select,insert,update,delete}'),
    ('S', '{owner,admin,manager,finance,staff,member}', '{}', '{}', '{}', '{}'),
    ('R', '{}', '{}', '{}', '{}', '{}'),
    ('X', '{}', '{}', '{}', '{}', '{}');
create temporary table exceptions (
    table_name text, command text, who text[], reason text, primary key (table_name, command)
) on commit drop;
\ir support/security_exceptions.sql

create temporary table personas (account text primary key, name text) on commit drop;
insert into personas values
    ('a1', 'owner'), ('a2', 'admin'), ('a3', 'manager'), ('a4', 'finance'), ('a5', 'staff'),
    ('a6', 'member'), ('a7', 'suspended'), ('b1', 'other_owner'), ('c1', 'buyer'),
    ('c2', 'stranger'), ('anon', 'anon'), ('service_role', 'service_role');

-- A table that nobody thought of fails here, rather than being left out.
select set_eq('select name from own_tables', 'select table_name from app_private.table_policies',
    'every table has its policies on record, and none else');
create temporary view recorded as
select p.table_name, p.kind, c.command, c.who
from app_private.table_policies p
cross join lateral (values
    ('select', p.member_select), ('insert', p.member_insert), ('update', p.member_update),
    ('delete', p.member_delete), ('own', p.own_commands)
) c (command, who);
select is_empty(
    $$ select r.table_name, r.kind, r.command, r.who as recorded, w.who as by_kind
       from recorded r
       join expected e on e.kind = r.kind
       left join exceptions x on x.table_name = r.table_name and x.command = r.command
       cross join lateral (select coalesce(x.who, case r.command
           when 'select' then e.may_select when 'insert' then e.may_insert
           when 'update' then e.may_update when 'delete' then e.may_delete else e.own end) as who) w
       where not (r.who @> w.who and r.who <@ w.who) $$,
    'what is on record for a table is what its kind says, or an exception with a reason');
select is_empty(
    $$ select x.table_name, x.command from exceptions x
       where not exists (select from recorded r where r.table_name = x.table_name and r.command = x.command) $$,
    'every exception is still one');
select is_empty(
    $$ select t.name, p.tenant, (select string_agg(e.message, '; ') from fixture_errors e
           where e.table_name = t.name and e.tenant = p.tenant)
       from own_tables t cross join (values ('a'), ('b')) p (tenant)
       where not exists (select from fixture_rows r where r.table_name = t.name and r.tenant = p.tenant) $$,
    'every table has a row in both tenants');
-- Whether a persona may run a command on the fixture row of a tenant. Rows of one person are the
-- buyer's where buyers have them, and otherwise the plain member's.
create function pg_temp.allowed(tab text, command text, tenant text, who text) returns boolean
language sql stable
as $$
    select r.kind = 'R' and allowed.command = 'select'
        or p.tenant = allowed.tenant and p.status = 'active' and p.role = any (r.who)
        or allowed.command = any (own.who) and case
            when r.kind in ('B', 'P') then allowed.who = 'c1'
            else allowed.who = allowed.tenant || '6'
        end
    from recorded own
    join recorded r on r.table_name = own.table_name and r.command = allowed.command
    join people p on p.account = allowed.who
    where own.table_name = tab and own.command = 'own'
$$;

-- The statement of a cell: on the fixture row of a tenant, by a role's own column grants.
create function pg_temp.statement(tab text, command text, tenant text, role name) returns text
language plpgsql stable
as $$
declare
    rel regclass := format('public.%I', tab)::regclass;
    content jsonb := (select r.content from fixture_rows r where r.table_name = tab and r.tenant = statement.tenant);
    tenant_column text := case tab when 'organizations' then 'id' else 'organization_id' end;
    key text;
    columns text;
    target text;
    value text;
begin
    select string_agg(format('%I = %L', a.attname, content ->> a.attname::text), ' and ') into key
    from pg_catalog.pg_index i
    join pg_catalog.pg_attribute a on a.attrelid = rel and a.attnum = any (i.indkey)
    where i.indrelid = rel and i.indisprimary;
    -- A dead row would make every denial true.
    if key is null then
        raise exception 'no fixture for % of %', tab, tenant;
    end if;
    case command
    when 'select' then
        return format('select from %s where %s', rel, key);
    when 'delete' then
        return format('delete from %s where %s', rel, key);
    when 'insert' then
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into columns
        from pg_catalog.pg_attribute a
        where a.attrelid = rel and a.attnum > 0 and not a.attisdropped
            and a.attgenerated = '' and a.attidentity = ''
            and (
                pg_catalog.has_column_privilege(role, rel, a.attnum, 'insert')
                or not pg_catalog.has_any_column_privilege(role, rel, 'insert')
            );
        -- A new key where the key is the row's own; other unique values stay, and say 23505.
        if content ? 'id' and not exists (
            select from pg_catalog.pg_constraint x
            join pg_catalog.pg_attribute a on a.attrelid = rel and a.attname = 'id' and a.attnum = any (x.conkey)
            where x.conrelid = rel and x.contype = 'f'
        ) and tab <> 'organizations' then
            content := content || jsonb_build_object('id', gen_random_uuid());
        end if;
        return format('insert into %s (%s) select %s from jsonb_populate_record(null::%s, %L)',
            rel, columns, columns, rel, content);
    when 'update' then
        -- The tenant's column last: writing it is `move`.
        select a.attname into target
        from pg_catalog.pg_attribute a
        where a.attrelid = rel and a.attnum > 0 and not a.attisdropped
            and a.attgenerated = '' and a.attidentity = ''
        order by pg_catalog.has_column_privilege(role, rel, a.attnum, 'update') desc,
            (a.attname = tenant_column), a.attnum desc
        limit 1;
        return format('update %s set %I = %I where %s', rel, target, target, key);
    when 'move' then
        select a.attname into target
        from pg_catalog.pg_attribute a
        where a.attrelid = rel and a.attname = tenant_column;
        if target is null then
            return null;
        end if;
        value := pg_temp.org(case tenant when 'a' then 'b' else 'a' end);
        return format('update %s set %I = %L where %s', rel, target, value, key);
    end case;
end
$$;

-- What came of every cell.
create temporary table statements on commit drop as
select t.name as tab, k.kind, c.command, w.tenant, r.role,
    pg_temp.statement(t.name, c.command, w.tenant, r.role::name) as statement
from own_tables t
join kinds k on k.name = t.name
cross join (values ('select'), ('insert'), ('update'), ('move'), ('delete')) c (command)
cross join (values ('a'), ('b')) w (tenant)
cross join (values ('anon'), ('authenticated'), ('service_role')) r (role)
where (select count(*) from fixture_rows f where f.table_name = t.name) = 2
    -- The server is bound by no tenant.
    and not (c.command = 'move' and r.role = 'service_role');
create temporary table cells on commit drop as
select s.*, p.account, p.name as who, pg_temp.outcome(p.account, s.statement) as got
from statements s
join personas p on pg_temp.role_of(p.account) = s.role
where s.statement is not null;

-- What a cell must be: `yes`, `no`, or `refused` (42501, not merely no row).
create temporary view judged as
select *,
    case
        when who = 'service_role' then case
            -- Written by its trigger alone, read by all who may.
            when tab = 'audit_log' and command <> 'select' then 'refused'
            else 'yes'
        end
        when who = 'anon' then case
            when kind = 'R' and command = 'select' then 'yes'
            when kind = 'P' and command = 'select' then 'no'
            else 'refused'
        end
        -- Nobody is a member of both tenants. The row may be written where it is: then it must not go.
        when command = 'move' then case
            when kind <> 'O' and pg_temp.allowed(tab, 'update', tenant, account) then 'refused'
            else 'no'
        end
        when pg_temp.allowed(tab, command, tenant, account) then 'yes'
        when command = 'insert' then 'refused'
        else 'no'
    end as must
from cells;

create temporary table verdicts on commit drop as
select *,
    case
        when got ~ '^([1-9][0-9]{0,3}|23...)$' then case when must = 'yes' then 'right' else 'LEAK' end
        when got = '42501' then case when must = 'yes' then 'WRONG DENIAL' else 'right' end
        when got = '0' then case must
            when 'yes' then 'WRONG DENIAL' when 'refused' then 'NOT REFUSED' else 'right'
        end
        else 'NO ANSWER'
    end as verdict
from judged;

select is(
    (select coalesce(array_agg(format('%s: %s on the row of tenant %s by %s: %s', v.verdict, v.command, v.tenant, v.who, v.got)
            order by v.tenant, v.account), '{}')
        from verdicts v where v.tab = c.tab and v.command = c.command and v.verdict <> 'right'),
    '{}',
    c.tab || ' (' || c.kind || '): ' || c.command)
from (select distinct tab, kind, command from cells) c
order by c.tab, c.command;

-- That the matrix decides anything: every verdict occurs that it should, in large numbers.
select cmp_ok(
    (select count(*) from verdicts where must = 'yes' and got ~ '^[1-9][0-9]{0,3}$'), '>=',
    (select 12 * count(*) from own_tables), 'statements that succeed are among those judged');
select is(
    (select count(distinct tab) from cells), (select count(*) from own_tables),
    'every table was tried');
select diag(format('%s cells, %s tables, %s leaks, %s wrong denials',
    count(*), count(distinct tab), count(*) filter (where verdict in ('LEAK', 'NOT REFUSED')),
    count(*) filter (where verdict in ('WRONG DENIAL', 'NO ANSWER')))) from verdicts;

-- What is published is read by everybody, whatever tenant it is of, and by nobody written.
\ir support/publish.sql
select is(
    (select coalesce(array_agg(x.persona || ': ' || x.got order by x.persona), '{}') from (
        select p.name || ' on ' || w.tenant as persona, pg_temp.outcome(p.account,
            pg_temp.statement(k.name, 'select', w.tenant, pg_temp.role_of(p.account))) as got
        from personas p cross join (values ('a'), ('b')) w (tenant)
    ) x where x.got <> '1'),
    '{}', k.name || ': everybody reads it once it is published')
from kinds k
where k.kind = 'P' and (select count(*) from fixture_rows r where r.table_name = k.name) = 2
order by k.name;
select is(
    (select coalesce(array_agg(x.persona || ': ' || x.got order by x.persona), '{}') from (
        select format('%s %s on %s', p.name, c.command, w.tenant) as persona, pg_temp.outcome(p.account,
            pg_temp.statement(k.name, c.command, w.tenant, pg_temp.role_of(p.account))) as got
        from personas p
        cross join (values ('a', 'anon'), ('a', 'other_owner'), ('a', 'stranger'), ('a', 'suspended'), ('b', 'owner'), ('b', 'anon')) w (tenant, who)
        cross join (values ('insert'), ('update'), ('delete')) c (command)
        where p.name = w.who
    ) x where x.got not in ('0', '42501')),
    '{}', k.name || ': nobody writes it from outside, published or not')
from kinds k
where k.kind = 'P' and (select count(*) from fixture_rows r where r.table_name = k.name) = 2
order by k.name;

-- A row of the platform's own (no tenant) is read and not written by members.
select is(pg_temp.outcome('a1', 'select from public.roles where organization_id is null limit 1'), '1',
    'built-in roles are read by members');
select is(pg_temp.outcome('a1', 'update public.roles set name = name where organization_id is null'), '0',
    'built-in roles are written by no member');
select is(pg_temp.outcome('a1', $$ insert into public.roles (key, name) values ('evil', 'Evil') $$), '42501',
    'a member makes no built-in role');

-- Nobody rises by himself.
select is(pg_temp.outcome('a2', $$ update public.organization_members set role = 'owner' where user_id = auth.uid() $$),
    '42501', 'an admin does not make himself owner');
select is(pg_temp.outcome('a2', $$ update public.organization_members set role = 'member' where role = 'owner' $$),
    '0', 'an admin does not touch an owner');
select is(pg_temp.outcome('a2', $$ delete from public.organization_members where role = 'owner' $$),
    '0', 'an admin does not remove an owner');
select is(pg_temp.outcome('a6', $$ update public.organization_members set role = 'owner' where user_id = auth.uid() $$),
    '0', 'a member does not make himself owner');
select is(pg_temp.outcome('a7', $$ update public.organization_members set status = 'active' $$),
    '0', 'a suspended member does not reinstate himself');
select is(pg_temp.outcome('a1', $$ update public.organizations set plan = 'enterprise' $$),
    '42501', 'an owner does not set his plan');
select is(pg_temp.outcome('a1', 'update public.ticket_categories set sold = 0'),
    '42501', 'an owner does not write the stock');

-- What the API never has.
select is_empty(
    $$ select r.name, t.name, c.command
       from own_tables t
       cross join (values ('anon'), ('authenticated'), ('service_role')) r (name)
       cross join (values ('truncate'), ('references'), ('trigger')) c (command)
       where pg_catalog.has_table_privilege(r.name, t.oid, c.command) $$,
    'no API role truncates, references or puts triggers on a table');

select * from finish();
rollback;
