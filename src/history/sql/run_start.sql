-- $1 id, $2 command, $3 phases as a JSON array, $4 client version, $5 git commit
with head as (
    select (select r.row_hash from {schema}.run r order by r.seq desc limit 1) as previous,
        (select m.row_hash from {schema}.migration m order by m.seq desc limit 1) as migration_hash
), x as (
    select nextval('{schema_literal}.run_seq'::regclass) as seq, $1 as id, $2 as command,
        array(select jsonb_array_elements_text($3::jsonb)) as phases,
        clock_timestamp() as started_at, session_user::text as actor, $4 as client_version,
        $5 as git_commit, head.migration_hash, head.previous
    from head
), inserted as (
    insert into {schema}.run (seq, id, command, phases, started_at, actor, client_version,
        git_commit, migration_hash, row_hash)
    select x.seq, x.id, x.command, x.phases, x.started_at, x.actor, x.client_version, x.git_commit,
        x.migration_hash, {hash}
    from x
    returning row_hash
)
update {schema}.meta set last_run_hash = inserted.row_hash from inserted
