SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL datestyle = 'ISO';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL extra_float_digits = 3;
SET LOCAL quote_all_identifiers = off;
SET LOCAL statement_timeout = 0;
SET LOCAL jit = off
