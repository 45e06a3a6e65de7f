-- What sessions of the role $1 begin with in this database, where that decides what files make: as it was set for the role or
-- the database, the nearest first, and for this role itself ($2) as this session began. Settings of an application's
-- own have a dot in their names.
with told as (
    select pg_catalog.lower(pg_catalog.split_part(one, '=', 1)) as name,
           pg_catalog.substr(one, pg_catalog.strpos(one, '=') + 1) as value,
           1 + (s.setrole <> 0)::int * 2 + (s.setdatabase <> 0)::int as near
    from pg_catalog.pg_db_role_setting s
    cross join pg_catalog.unnest(s.setconfig) one
    where (s.setrole = 0 or s.setrole = (select oid from pg_catalog.pg_roles where rolname = $1))
      and (s.setdatabase = 0
           or s.setdatabase = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
    union all
    select pg_catalog.lower(s.name), s.reset_val, 5
    from pg_catalog.pg_settings s
    -- Older servers do not know it.
    where $2::bool and (s.reset_val is distinct from s.boot_val or s.name <> 'createrole_self_grant')
      and s.name not like '%.%'
)
select distinct on (name) name, value
from told
where name like '%.%' and name not like 'evmig.%'
   or name in (
        'search_path', 'timezone', 'datestyle', 'intervalstyle', 'check_function_bodies', 'default_text_search_config',
        'default_tablespace', 'default_table_access_method', 'default_toast_compression', 'createrole_self_grant',
        'bytea_output', 'extra_float_digits', 'xmloption', 'array_nulls', 'backslash_quote', 'transform_null_equals'
   )
order by name, near desc
