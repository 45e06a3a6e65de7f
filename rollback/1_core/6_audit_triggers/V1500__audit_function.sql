drop function app_private.audit_row();
