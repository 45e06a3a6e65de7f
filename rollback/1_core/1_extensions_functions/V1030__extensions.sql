-- Drops the extensions and the schema if V1030 created them, if they are still the
-- same objects, and if nothing else has come to use them: all three, or they stay.
do $extensions$
declare
    ours record;
begin
    for ours in
        select p.name
        from app_private.provisioned p
        join pg_catalog.pg_extension e on e.oid = p.object_oid and e.extname = p.name
        where p.kind = 'extension' and p.name in ('citext', 'btree_gist')
        order by p.name
    loop
        begin
            execute format('drop extension %I', ours.name);
        exception when dependent_objects_still_exist then
            raise notice 'extension % stays: other objects use it', ours.name;
        end;
    end loop;

    for ours in
        select split_part(p.name, '/', 2) as role_name
        from app_private.provisioned p
        join pg_catalog.pg_namespace n on n.oid = p.object_oid and n.nspname = 'extensions'
        where p.kind = 'usage' and p.name like 'extensions/%'
        order by p.name
    loop
        execute format('revoke usage on schema extensions from %I', ours.role_name);
    end loop;

    for ours in
        select p.name
        from app_private.provisioned p
        join pg_catalog.pg_namespace n on n.oid = p.object_oid and n.nspname = p.name
        where p.kind = 'schema' and p.name = 'extensions'
    loop
        begin
            execute format('drop schema %I', ours.name);
        exception when dependent_objects_still_exist then
            raise notice 'schema % stays: it holds other objects', ours.name;
        end;
    end loop;
end
$extensions$;

delete from app_private.provisioned
where (kind = 'extension' and name in ('citext', 'btree_gist'))
    or (kind = 'schema' and name = 'extensions')
    or (kind = 'usage' and name like 'extensions/%');
