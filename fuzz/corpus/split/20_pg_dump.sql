\restrict 6y2kK5Jm
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.f() RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT 1 AS "end";
END;
CREATE POLICY p ON public.t USING ((a = ';'::text)) WITH CHECK ((a <> ')'::text));
CREATE PUBLICATION pub FOR TABLE public.t WHERE ((a > 1)), TABLE public.u;
CREATE TRIGGER x BEFORE UPDATE OF a ON public.t FOR EACH ROW WHEN ((old.a IS DISTINCT FROM new.a)) EXECUTE FUNCTION public.f(';');
\unrestrict 6y2kK5Jm
