select version::text, name, applied_on, checksum from {refinery} order by version
