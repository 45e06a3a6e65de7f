-- From format 1: what the catalog was is remembered, and the end of a run covers that chain too.
alter table {schema}.run add column end_checkpoint_hash text;
{checkpoints}
update {schema}.meta set format = 2;
