drop function app_private.ensure_profile();
-- CASCADE takes the trigger create_profile along, and nothing else hangs on a trigger
-- function: dropping the trigger itself needs to own auth.users, which belongs to
-- Supabase Auth where that is there.
drop function app_private.handle_new_user() cascade;
drop function app_private.require_member(uuid, text[]);
drop function app_private.is_api_caller();
