drop table app_private.table_policies;
