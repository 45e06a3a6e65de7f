-- Functions of people with their texts and whether they can put statements together, the relations that run them
-- without their being named, and event triggers. Who writes to a view writes to its table, who writes to a table may
-- write to those that refer to it, and to partitions.
with recursive runs (function, relation) as (
    select t.tgfoid, t.tgrelid from pg_catalog.pg_trigger t where not t.tgisinternal
    union
    select d.refobjid, coalesce(a.adrelid, k.conrelid, p.polrelid, r.ev_class, i.indrelid, c.oid)
    from pg_catalog.pg_depend d
    left join pg_catalog.pg_attrdef a on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and a.oid = d.objid
    left join pg_catalog.pg_constraint k on d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and k.oid = d.objid
    left join pg_catalog.pg_policy p on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and p.oid = d.objid
    left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and r.oid = d.objid
    left join pg_catalog.pg_class c on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and c.oid = d.objid
    left join pg_catalog.pg_index i on i.indexrelid = c.oid
    where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    union
    select u.function, further.relation
    from runs u
    cross join lateral (
        select k.confrelid from pg_catalog.pg_constraint k where k.conrelid = u.relation and k.contype = 'f'
        union all
        select h.inhparent from pg_catalog.pg_inherits h where h.inhrelid = u.relation
        union all
        select r.ev_class
        from pg_catalog.pg_depend d
        join pg_catalog.pg_rewrite r on r.oid = d.objid
        where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
            and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = u.relation
    ) further (relation)
    where u.relation is not null
)
select 'function', p.oid::text, p.proname::text, coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc),
    (case l.lanname when 'sql' then false when 'plpgsql' then p.prosrc ~* '\mexecute\M' else true end)::text
from pg_catalog.pg_proc p
join pg_catalog.pg_language l on l.oid = p.prolang
where p.oid >= 16384 and l.lanname not in ('internal', 'c')
union all
select distinct 'relation', u.function::text, c.relname::text, null, null
from runs u
join pg_catalog.pg_class c on c.oid = u.relation
where u.function >= 16384
union all
select 'event trigger', e.evtfoid::text, e.evtname::text, null, null
from pg_catalog.pg_event_trigger e
