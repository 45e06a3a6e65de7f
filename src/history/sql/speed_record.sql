-- $1 run, $2 key, $3 name, $4 position, $5 work, $6 oid of the table, $7 milliseconds
-- $8 the constraint that was validated, or null
-- $9 tables that were rewritten, if they were, as [[oid, file before, transaction], …], or null
-- $10 whether the transaction did something to other tables that may have gone on to those that inherit from them
--
-- A table of less than 64 kB is done in no time: what took so long was something else.
-- A foreign key is validated by a join, and the constraint of a table with children by reading those that have not been
-- read yet.
-- A table was rewritten where its row in pg_class is of that very transaction, and names another file than before: the
-- table was locked until then, so that nobody else can have done it.
with x as (
    select nextval('{schema_literal}.speed_seq'::regclass) as seq, $1 as run_id, $2 as key, $3 as name,
        $4::integer as position, clock_timestamp() as at, $5 as work, n.nspname || '.' || c.relname as relation,
        s.bytes, $7::bigint as ms,
        (select p.row_hash from {schema}.speed p order by p.seq desc limit 1) as previous
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join lateral (
        select sum(pg_table_size(p.oid)
            + case when $5 = 'rewrite' then pg_indexes_size(p.oid) else 0 end)::bigint as bytes,
            bool_and(p.relkind not in ('r', 'm') or exists (
                select from jsonb_array_elements($9::jsonb) h(held)
                where h.held ->> 0 = p.oid::text and h.held ->> 1 <> p.relfilenode::text
                    and h.held ->> 2 = p.xmin::text
            )) as is_rewritten
        from pg_class p
        where p.oid = c.oid or p.oid in (select t.relid from pg_partition_tree(c.oid) t where t.isleaf)
    ) s
    where c.oid = $6::oid and s.bytes >= 65536
        and ($8::text is null or c.relkind = 'r' and not c.relhassubclass and exists (
            select from pg_constraint k
            where k.conrelid = c.oid and k.conname = $8 and k.contype in ('c', 'n') and k.convalidated
        ))
        and ($9::text is null or s.is_rewritten)
        and (not $10::boolean or not exists (
            select from pg_inherits i where c.oid in (i.inhrelid, i.inhparent)
        ))
)
insert into {schema}.speed (seq, run_id, key, name, position, at, work, relation, bytes, ms, row_hash)
select x.seq, x.run_id, x.key, x.name, x.position, x.at, x.work, x.relation, x.bytes, x.ms, {hash}
from x
