-- The newest run of each migration that was not taken back since; an accepted change (repair) has run nothing.
select key, name, sha256, up_sql
from {schema}.migration r
where action in ('apply', 'baseline', 'adopt')
    and not exists (
        select from {schema}.migration later
        where later.key = r.key and later.seq > r.seq
            and later.action in ('apply', 'baseline', 'adopt', 'rollback')
    )
order by seq
