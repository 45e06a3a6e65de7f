-- $1 fingerprint, $2 document
insert into {schema}.catalog (fingerprint, document) values ($1, $2) on conflict do nothing
