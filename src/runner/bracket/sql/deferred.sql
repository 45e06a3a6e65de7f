-- The constraints that are deferred unless somebody says otherwise, as SET CONSTRAINTS names them. A name stands for
-- every constraint that has it in its schema: one that is not for all of them deferrable cannot be named.
SELECT string_agg(format('%I.%I', x.nspname, x.conname), ', ')
FROM (
    SELECT n.nspname, k.conname
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
    WHERE k.conrelid <> 0
    GROUP BY n.nspname, k.conname
    HAVING bool_or(k.condeferred) AND bool_and(k.condeferrable)
) x
