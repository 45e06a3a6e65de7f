-- Prepared transactions that the watched backend ($1) waits for, in the columns of a blocker. They
-- have no session: pg_blocking_pids calls them 0, and pg_locks gives them no pid. Each holds the lock
-- of its own transaction id, under the same virtual transaction as its other locks.
select '0', p.owner::text, null,
    'prepared transaction ' || quote_literal(p.gid),
    null, extract(epoch from clock_timestamp() - p.prepared)::bigint::text, null, null
from pg_prepared_xacts p
where exists (
    select from pg_locks w join pg_locks h
        on h.locktype = w.locktype
        and h.database is not distinct from w.database
        and h.relation is not distinct from w.relation
        and h.transactionid is not distinct from w.transactionid
    join pg_locks t on t.virtualtransaction = h.virtualtransaction
    where w.pid = $1::integer and not w.granted
        and h.pid is null and h.granted
        and t.pid is null and t.locktype = 'transactionid' and t.transactionid = p.transaction
)
order by p.prepared
