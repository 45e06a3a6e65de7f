-- $1 how many are kept
delete from {schema}.catalog where fingerprint not in (
    select c.fingerprint from {schema}.checkpoint c
    group by c.fingerprint order by max(c.seq) desc limit $1::integer
)
