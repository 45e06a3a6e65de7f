-- No CASCADE: an audit partition that was detached and kept, or anything else that
-- somebody put here, stops this with its name instead of going down with it.
drop table app_private.provisioned;
drop schema app_private;
