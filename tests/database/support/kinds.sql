-- Which kind of policy each public table has, as app_private.table_policies records it.
create temporary view kinds as
select p.table_name as name, p.kind
from app_private.table_policies p
join own_tables t on t.name = p.table_name;
