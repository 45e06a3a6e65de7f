-- $1 guard, $2 key, $3 version, $4 name, $5 phase number, $6 phase, $7 step, $8 run, $9 action,
-- $10 sha256, $11 refinery's checksum, $12 duration in ms (null: since the transaction began),
-- $13 statements, $14 script, $15 rollback script, $16 reason, $17 journal position,
-- $18 the hash of all of these that are facts of the file (migration_facts.sql)
--
-- The guard is a transaction-local setting made at BEGIN. Where it is gone, the file has ended its
-- own transaction; the cast of a text that is no number then stops this statement, and COMMIT,
-- which is already on its way, rolls back. (A plpgsql function could raise, but would be one more
-- thing in the database that can be changed.) {held} fails the same way where the lock is lost.
--
-- One INSERT without a CTE, and the facts hashed by who sends them: what runs for each migration is
-- a third of its price.
--
-- Several files may share a message, and so have one now(): a file begins when its message does, or when
-- the file before it was recorded, if the clock was not put back since.
insert into {schema}.migration (seq, key, version, name, phase_number, phase, step, run_id,
    action, at, duration_ms, statements, sha256, refinery_checksum, journal_seq, reason,
    up_sql, down_sql, row_hash)
select x.seq, $2, $3::bigint, $4, $5::integer, $6, $7, $8, $9, x.at, x.duration_ms,
    $13::integer + x.guard, $10, $11, $17::bigint, $16, $14, $15, {hash}
from (
    select nextval('{schema_literal}.migration_seq'::regclass) as seq, t.at,
        case when $1 is null or current_setting('evmig.guard', true) is not distinct from $1 then 0
            else ('evmig guard: ' || coalesce(current_setting('evmig.guard', true), ''))::integer
        end + {held} as guard,
        case when $12 = 'none' then null
            when $12 is not null then $12::double precision
            else round(date_part('epoch',
                t.at - case when p.at between now() and t.at then p.at else now() end) * 1000000) / 1000
        end as duration_ms,
        p.row_hash as previous, $18 as facts
    from (select clock_timestamp() as at) t left join (
        select m.row_hash, m.at from {schema}.migration m order by m.seq desc limit 1
    ) p on true
) x
returning key || ' ' || coalesce(duration_ms, 0)
