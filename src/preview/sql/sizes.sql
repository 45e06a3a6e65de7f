-- Rows and bytes of relations; of a partitioned table those of its partitions. $1 is a JSON list of schema and name.
select w.at::text, c.reltuples::text, s.rows::text, s.bytes::text, s.indexes::text
from (
    select ordinality - 1 as at, value ->> 0 as schema, value ->> 1 as name
    from pg_catalog.jsonb_array_elements($1::jsonb) with ordinality
) w
join pg_catalog.pg_namespace n on n.nspname = w.schema
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name
cross join lateral (
    select sum(nullif(p.reltuples, -1)) as rows,
           sum(pg_catalog.pg_table_size(p.oid)) as bytes,
           sum(pg_catalog.pg_indexes_size(p.oid)) as indexes
    from pg_catalog.pg_class p
    where p.oid = c.oid
        or p.oid in (select t.relid from pg_catalog.pg_partition_tree(c.oid) t where t.isleaf)
) s
