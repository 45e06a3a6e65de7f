set local search_path = pg_catalog, pg_temp;
set local row_security = off;
set local timezone = 'UTC';
set local datestyle = 'ISO';
set local intervalstyle = 'postgres';
set local extra_float_digits = 3;
set local bytea_output = 'hex';
set local statement_timeout = 0
