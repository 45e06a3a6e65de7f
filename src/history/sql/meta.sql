select format::text, refinery_table from {schema}.meta
