-- The journal of files that were begun and not recorded as done: of a migration, of its rollback script
-- (down:), and of the turn that a rollback has for it (undo:).
select s.seq::text, s.key, s.run_id, s.position::text, s.state, s.sha256, s.note
from {schema}.statement s
where s.seq > coalesce((
    select max(m.journal_seq) from {schema}.migration m
    where m.key = regexp_replace(s.key, '^(down|undo):', '')
), 0)
order by s.seq
