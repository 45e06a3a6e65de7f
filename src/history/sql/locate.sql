-- Is there a history, and where is refinery's table? $1 is the history schema's name.
select
    (exists (select from pg_namespace where nspname = $1))::text,
    (exists (
        select from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = 'meta' and c.relkind = 'r'
    ))::text,
    has_database_privilege(current_database(), 'CREATE')::text,
    (
        select jsonb_agg(
            jsonb_build_array(
                n.nspname,
                (
                    select format_type(a.atttypid, null) from pg_attribute a
                    where a.attrelid = c.oid and a.attname = 'version' and not a.attisdropped
                )
            )
            order by n.nspname
        )
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relname = 'refinery_schema_history' and c.relkind in ('r', 'p')
            and n.nspname not like 'pg\_%'
            -- The table of another evmig history belongs to another project.
            and (n.nspname = $1 or not exists (
                select from pg_class m
                join pg_attribute a on a.attrelid = m.oid and a.attname = 'refinery_table'
                where m.relnamespace = n.oid and m.relname = 'meta'
            ))
    )::text
