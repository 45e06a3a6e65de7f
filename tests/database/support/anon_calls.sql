-- The functions that somebody without an account may call.
insert into anon_calls values ('get_event');
insert into anon_calls values ('purchase_tickets'), ('caller_role'), ('is_api_caller');
insert into anon_calls values ('fail');
