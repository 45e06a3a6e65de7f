-- $1 a JSON array of qualified names: those that the role may not fill or empty.
select t.name
from jsonb_array_elements_text($1::jsonb) as t (name)
where not (has_table_privilege(t.name, 'INSERT') and has_table_privilege(t.name, 'DELETE')
    and has_table_privilege(t.name, 'SELECT'))
