-- Relations that exist, of the first migration that has any. $1 is a JSON array of pairs: the index
-- of a migration, and the quoted name of a relation that it creates. Names without a schema are
-- looked for in public, where they would be created by default.
with present as (
    select (pair ->> 0)::bigint as migration, pair ->> 1 as name, position
    from jsonb_array_elements($1::jsonb) with ordinality n (pair, position)
    where to_regclass(
        case when pair ->> 1 like '%".%' then pair ->> 1 else 'public.' || (pair ->> 1) end
    ) is not null
)
select migration::text, name from present
where migration = (select p.migration from present p order by p.position limit 1)
order by position
