-- $1 how many of the newest
select s.key, s.name, s.work, s.bytes::text, s.ms::text
from {schema}.speed s
order by s.seq desc
limit $1::integer
