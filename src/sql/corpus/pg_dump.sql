--
-- PostgreSQL database dump
--

\restrict 2mFcQpQbJwTbE0tG

-- Dumped from database version 15.14

SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

--
-- Name: t; Type: TABLE
--

CREATE TABLE public.t (
    id integer NOT NULL, -- one; two
    note text DEFAULT 'a;b'::text
);

COPY public.t (id, note) FROM stdin;
1	it's "fine"; really
2	\\.
\.


CREATE FUNCTION public.f() RETURNS integer
    LANGUAGE plpgsql
    AS $_$
begin
  execute $q$select 1;$q$;
  return 1;
end;
$_$;

\unrestrict 2mFcQpQbJwTbE0tG

