select pg_catalog.set_config('evmig.search_path', pg_catalog.current_setting('search_path'), true),
    pg_catalog.set_config('evmig.row_security', pg_catalog.current_setting('row_security'), true);
set local search_path = pg_catalog, pg_temp;
set local row_security = off
