-- How this database stores, sorts and compares text. The columns for it have had three names since 15.
select pg_catalog.pg_encoding_to_char(d.encoding)::text, d.datcollate::text, d.datctype::text,
       to_jsonb(d) ->> 'datlocprovider',
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
       to_jsonb(d) ->> 'daticurules'
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
