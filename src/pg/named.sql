-- The oids of relations as the session's search path finds them; null for one that is not there. $1 is a JSON list.
-- No operator is used: the search path may have one of its own.
select pg_catalog.to_regclass(value)::pg_catalog.oid::pg_catalog.text
from pg_catalog.jsonb_array_elements_text($1::pg_catalog.jsonb) with ordinality
order by ordinality
