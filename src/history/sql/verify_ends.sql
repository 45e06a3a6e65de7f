-- What is left to compare: the newest run, and refinery's table against the newest word on each
-- version. Each line is one difference; where only the checksums differ, with what makes one.
select 'run', 'the newest run is not the one that was written last', null, null, null, null from {schema}.meta
where last_run_hash is distinct from
    (select r.row_hash from {schema}.run r order by r.seq desc limit 1)
union all
select 'refinery', case
    when l.version is null then 'version ' || f.version || ' is in refinery''s table only'
    when f.version is null then 'version ' || l.version || ' is missing from refinery''s table'
    else 'version ' || l.version || ' has another name or checksum in refinery''s table' end,
    l.version::text, l.name, f.checksum, case when f.name = l.name and l.action <> 'rollback'
        then l.up_sql end
from (
    select distinct on (m.key) m.* from {schema}.migration m
    where m.version is not null order by m.key, m.seq desc
) l
full join {refinery} f on f.version = l.version
where (l.version is null) or (f.version is null and l.action <> 'rollback')
    or (f.version is not null and l.action = 'rollback')
    or (f.version is not null and (f.name is distinct from l.name
        or f.checksum is distinct from l.refinery_checksum))
