-- The run of the newest row, where that is a rollback's and the run has no end: it was committed, and
-- whoever asked for it may not have heard so.
select r.id
from (select m.run_id, m.action from {schema}.migration m order by m.seq desc limit 1) newest
join {schema}.run r on r.id = newest.run_id
where newest.action = 'rollback' and r.command = 'rollback' and r.finished_at is null
