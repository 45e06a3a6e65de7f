-- What is left to compare: the newest run, and refinery's table against the newest word on each
-- version. Each line is one difference; where only the checksums differ, with what makes one.
-- When an adopted row was written is known to refinery alone.
with l as (
    select distinct on (m.key) m.* from {schema}.migration m
    where m.version is not null order by m.key, m.seq desc
), f as (
    select f.version, f.name, f.checksum, exists (
        select from {schema}.migration m
        where m.version = f.version and (m.action = 'adopt' or f.applied_on
            = to_char(m.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))) as on_time
    from {refinery} f
)
select 'run', 'the newest run is not the one that was written last', null, null, null, null
from {schema}.meta
where last_run_hash is distinct from
    (select r.row_hash from {schema}.run r order by r.seq desc limit 1)
union all
select 'refinery', case
    when l.version is null then 'version ' || f.version || ' is in refinery''s table only'
    when f.version is null then 'version ' || l.version || ' is missing from refinery''s table'
    when l.action = 'rollback'
        then 'version ' || l.version || ' was rolled back, and is in refinery''s table'
    when not f.on_time then 'version ' || l.version || ' has another time in refinery''s table'
    else 'version ' || l.version || ' has another name or checksum in refinery''s table' end,
    l.version::text, l.name, f.checksum, case when f.name = l.name and l.action <> 'rollback'
        and f.on_time then l.up_sql end
from l full join f on f.version = l.version
where l.version is null or (f.version is null and l.action <> 'rollback')
    or (f.version is not null and (l.action = 'rollback' or not f.on_time
        or f.name is distinct from l.name or f.checksum is distinct from l.refinery_checksum))
