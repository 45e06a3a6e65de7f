-- $1 run, $2 moment, $3 fingerprint, $4 the catalog's document (null: it is there already), $5 how many are kept
-- $6 what the catalog's objects keep when they are renamed (null: it is not known), $7 the cluster's identifier
--
-- Where the newest one says the same, nothing is added. A catalog that is there already may have other objects of the
-- same names by now.
with here as (
    select $7::text || ' ' || d.oid as place from pg_database d where d.datname = current_database()
), newest as (
    select c.row_hash, c.migration_seq, c.fingerprint
    from {schema}.checkpoint c order by c.seq desc limit 1
), x as (
    select $1 as run_id, $2 as moment, $3 as fingerprint, clock_timestamp() as at,
        m.migration_seq, n.row_hash as previous,
        case when n.fingerprint is distinct from $3
            or n.migration_seq is distinct from m.migration_seq
            then nextval('{schema_literal}.checkpoint_seq'::regclass) end as seq
    from (select max(seq) as migration_seq from {schema}.migration) m left join newest n on true
), kept as (
    insert into {schema}.catalog (fingerprint, document, keys, place)
    select $3, $4, $6, h.place from here h where $4 is not null
    on conflict (fingerprint) do update set keys = excluded.keys, place = excluded.place
), renewed as (
    update {schema}.catalog k set keys = $6, place = h.place
    from here h
    where $4 is null and k.fingerprint = $3 and (k.keys, k.place) is distinct from ($6, h.place)
), pruned as (
    delete from {schema}.catalog k
    where $4 is not null and k.fingerprint <> $3 and k.fingerprint not in (
        select c.fingerprint from {schema}.checkpoint c where c.fingerprint <> $3
        group by c.fingerprint order by max(c.seq) desc limit $5::integer - 1
    )
)
insert into {schema}.checkpoint (seq, run_id, moment, migration_seq, at, fingerprint, row_hash)
select x.seq, x.run_id, x.moment, x.migration_seq, x.at, x.fingerprint, {hash}
from x where x.seq is not null
