drop trigger keep_an_owner on public.organization_members;
drop function app_private.keep_an_owner();
drop trigger check_limit on public.promo_codes;
drop function app_private.check_promo_code();
drop trigger check_params on public.pricing_rules;
drop function app_private.check_pricing_rule();
drop trigger check_category on public.ticket_categories;
drop function app_private.check_category();
