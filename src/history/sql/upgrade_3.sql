-- From format 2: beside a catalog stands what its objects keep when they are renamed, and in which database they do. A
-- history of format 1 has got the columns with the table.
alter table {schema}.catalog add column if not exists keys text, add column if not exists place text;
update {schema}.meta set format = 3;
