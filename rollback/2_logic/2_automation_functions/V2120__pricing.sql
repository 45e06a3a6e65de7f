drop function app_private.unit_price(uuid, integer, timestamptz);
