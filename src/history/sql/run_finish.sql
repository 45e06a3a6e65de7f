-- $1 id, $2 outcome, $3 error
--
-- The end holds the newest hash of the other chains: a chain alone cannot show that its last rows are
-- gone.
with x as (
    select r.id, r.row_hash as previous, clock_timestamp() as finished_at, $2 as outcome,
        $3 as error,
        (select m.row_hash from {schema}.migration m order by m.seq desc limit 1)
            as end_migration_hash,
        (select s.row_hash from {schema}.statement s order by s.seq desc limit 1)
            as end_statement_hash,
        (select c.row_hash from {schema}.checkpoint c order by c.seq desc limit 1)
            as end_checkpoint_hash
    from {schema}.run r where r.id = $1 and r.finished_at is null
)
update {schema}.run set finished_at = x.finished_at, outcome = x.outcome, error = x.error,
    end_migration_hash = x.end_migration_hash, end_statement_hash = x.end_statement_hash,
    end_checkpoint_hash = x.end_checkpoint_hash,
    end_hash = {hash}
from x where run.id = x.id
