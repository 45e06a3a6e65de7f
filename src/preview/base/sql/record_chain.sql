-- The hashes of the last dry run.
select chain
from public.evmig_dry_run
