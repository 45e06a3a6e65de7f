-- Relations that exist, of a JSON array of quoted names. Names without a schema are looked for in
-- public, where they would be created by default.
select n.name
from jsonb_array_elements_text($1::jsonb) with ordinality n (name, position)
where to_regclass(case when n.name like '%".%' then n.name else 'public.' || n.name end) is not null
order by n.position
