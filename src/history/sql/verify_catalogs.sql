-- A document that is not what its fingerprint was made of, with a checkpoint that tells of it.
select 'catalog', 'the document of catalog ' || k.fingerprint || ' is not as it was written'
from {schema}.catalog k
where k.fingerprint is distinct from encode(sha256(convert_to(k.document, 'UTF8')), 'hex')
order by k.fingerprint limit 1
