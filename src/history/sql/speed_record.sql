-- $1 run, $2 key, $3 name, $4 position, $5 work, $6 oid of the table, $7 milliseconds
--
-- A table of less than 64 kB is done in no time: what took so long was something else.
with x as (
    select nextval('{schema_literal}.speed_seq'::regclass) as seq, $1 as run_id, $2 as key, $3 as name,
        $4::integer as position, clock_timestamp() as at, $5 as work, n.nspname || '.' || c.relname as relation,
        s.bytes, $7::bigint as ms,
        (select p.row_hash from {schema}.speed p order by p.seq desc limit 1) as previous
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join lateral (
        select sum(pg_table_size(p.oid)
            + case when $5 = 'rewrite' then pg_indexes_size(p.oid) else 0 end)::bigint as bytes
        from pg_class p
        where p.oid = c.oid or p.oid in (select t.relid from pg_partition_tree(c.oid) t where t.isleaf)
    ) s
    where c.oid = $6::oid and s.bytes >= 65536
)
insert into {schema}.speed (seq, run_id, key, name, position, at, work, relation, bytes, ms, row_hash)
select x.seq, x.run_id, x.key, x.name, x.position, x.at, x.work, x.relation, x.bytes, x.ms, {hash}
from x
