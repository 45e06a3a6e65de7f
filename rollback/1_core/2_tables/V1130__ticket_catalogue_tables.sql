-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.promo_codes;
drop table public.price_history;
drop table public.pricing_rules;
drop table public.ticket_categories;
