-- The table $1 with its partitions, from 18 on also with its heirs, and the indexes of all of them: what a VACUUM of it
-- works on. The table comes first. Names are qualified: the search path is the file's.
with recursive tables as (
    select $1::pg_catalog.oid as oid
    union
    select i.inhrelid
    from tables t
    join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) t.oid
    join pg_catalog.pg_inherits i on i.inhparent operator(pg_catalog.=) t.oid
    where c.relkind operator(pg_catalog.=) 'p'
       or pg_catalog.current_setting('server_version_num')::pg_catalog.int4 operator(pg_catalog.>=) 180000
)
select c.oid::pg_catalog.text, c.relkind::pg_catalog.text
from tables t
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) t.oid
union all
select c.oid::pg_catalog.text, c.relkind::pg_catalog.text
from tables t
join pg_catalog.pg_index i on i.indrelid operator(pg_catalog.=) t.oid
join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) i.indexrelid
where c.relkind operator(pg_catalog.=) 'i'
