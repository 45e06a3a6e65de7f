-- The beginning of every suite: a transaction that the suite rolls back, and pgTAP.
--
-- pgTAP is taken from where it is installed; where it is not, it is created for the time of the
-- transaction, in a schema of its own (which takes a superuser, or a hosted service's owner).
\set QUIET on
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset pager off
begin;
set local client_min_messages = warning;
set local timezone = 'UTC';

do $$
declare
    home text;
begin
    select n.nspname into home
    from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pgtap';
    if home is null then
        home := 'pgtap';
        create schema if not exists pgtap;
        create extension pgtap schema pgtap;
    end if;
    -- pg_temp stands last, so that nothing there takes a name away from pgTAP.
    perform set_config('search_path', format('%I, pg_catalog, pg_temp', home), true);
end
$$;
