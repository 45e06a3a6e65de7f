-- $1 id, $2 outcome, $3 error
with x as (
    select r.id, r.row_hash as previous, clock_timestamp() as finished_at, $2 as outcome,
        $3 as error
    from {schema}.run r where r.id = $1 and r.finished_at is null
)
update {schema}.run set finished_at = x.finished_at, outcome = x.outcome, error = x.error,
    end_hash = {hash}
from x where run.id = x.id
