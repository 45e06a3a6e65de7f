-- $1 guard, $2 key, $3 version, $4 name, $5 phase number, $6 phase, $7 step, $8 run, $9 action,
-- $10 sha256, $11 refinery's checksum, $12 duration in ms (null: since the transaction began),
-- $13 statements, $14 script, $15 rollback script, $16 reason, $17 journal position
--
-- The guard is a transaction-local setting made at BEGIN. Where it is gone, the file has ended its
-- own transaction; the cast of a text that is no number then stops this statement, and COMMIT,
-- which is already on its way, rolls back. (A plpgsql function could raise, but would be one more
-- thing in the database that can be changed.)
with x as (
    select nextval('{schema_literal}.migration_seq'::regclass) as seq, $2 as key,
        $3::bigint as version, $4 as name, $5::integer as phase_number, $6 as phase, $7 as step,
        $8 as run_id, $9 as action, clock_timestamp() as at,
        case when $1 is null or current_setting('evmig.guard', true) is not distinct from $1 then 0
            else ('evmig guard: ' || coalesce(current_setting('evmig.guard', true), ''))::integer
        end as guard,
        case when $12 = 'none' then null
            else coalesce($12::double precision, extract(epoch from clock_timestamp() - now()) * 1000)
        end::double precision as duration_ms,
        $13::integer as statements, $10 as sha256, $11 as refinery_checksum,
        $17::bigint as journal_seq, $16 as reason, $14 as up_sql, $15 as down_sql,
        (select m.row_hash from {schema}.migration m order by m.seq desc limit 1) as previous
), recorded as (
    insert into {schema}.migration (seq, key, version, name, phase_number, phase, step, run_id,
        action, at, duration_ms, statements, sha256, refinery_checksum, journal_seq, reason,
        up_sql, down_sql, row_hash)
    select x.seq, x.key, x.version, x.name, x.phase_number, x.phase, x.step, x.run_id, x.action,
        x.at, x.duration_ms, x.statements + x.guard, x.sha256, x.refinery_checksum, x.journal_seq,
        x.reason, x.up_sql, x.down_sql, {hash}
    from x
    returning version, name, at, refinery_checksum
){refinery_write}
select count(*)::text from recorded
