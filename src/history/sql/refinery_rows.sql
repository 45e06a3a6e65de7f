-- Ordered by the number: a bare `version` would be the text that is selected.
select r.version::text, r.name, r.applied_on, r.checksum from {refinery} r order by r.version
