revoke execute on function app_private.fail(integer, text, text, text, jsonb) from anon;
drop function public.create_event(
    uuid, text, timestamptz, timestamptz, uuid, integer, text, text, jsonb, jsonb
);
drop function public.get_event(uuid);
