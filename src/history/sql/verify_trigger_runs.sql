-- Runs that switched triggers, and of which the ledger has no row.
select 'run', 'run ' || r.id || ' switched triggers, and its rows in trigger_state are gone'
from {schema}.run r
where r.command like 'triggers %' and r.outcome = 'applied' and {missing}
order by r.seq limit 1
