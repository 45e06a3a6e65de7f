select pg_catalog.set_config('search_path', pg_catalog.current_setting('evmig.search_path'), true),
    pg_catalog.set_config('row_security', pg_catalog.current_setting('evmig.row_security'), true)
