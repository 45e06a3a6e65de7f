select (select r.rolsuper from pg_roles r where r.rolname = current_user)::text,
    current_setting('session_replication_role'), current_setting('server_version_num'), current_user::text
