-- $1 key, $2 run, $3 position, $4 state, $5 sha256, $6 note
with x as (
    select nextval('{schema_literal}.statement_seq'::regclass) as seq, $1 as key, $2 as run_id,
        $3::integer as position, $4 as state, $5 as sha256, clock_timestamp() as at, $6 as note,
        (select s.row_hash from {schema}.statement s order by s.seq desc limit 1) as previous
)
insert into {schema}.statement (seq, key, run_id, position, state, sha256, at, note, row_hash)
select x.seq, x.key, x.run_id, x.position, x.state, x.sha256, x.at, x.note, {hash} from x
returning seq::text
