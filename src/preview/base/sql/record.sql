-- What was measured up to the state whose hash is $1, where roles and the rest were as $2 says.
select record
from public.evmig_dry_run_record
where key = $1 and state = $2
