drop function app_private.current_email();
drop function app_private.set_updated_at();

revoke usage on schema app_private from authenticated, service_role;
