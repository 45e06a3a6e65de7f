-- What deciding takes, of every migration and of refinery's table: two texts. As rows of their own they
-- take three times as long to send and to read, and most runs find nothing to do.
select (
    select string_agg(m.seq || E'\t' || m.key || E'\t' || m.action || E'\t' || m.sha256 || E'\t'
        || m.run_id || E'\t' || m.name, E'\n')
    from (
        select seq, key, action, sha256, run_id, name from {schema}.migration order by seq
    ) m
), (
    select string_agg(r.version::text, E'\n')
    from (select version from {refinery} order by version) r
)
