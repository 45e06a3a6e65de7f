drop function public.create_sponsor_deal(uuid, uuid, text, uuid, text, text, bigint, integer, date);
