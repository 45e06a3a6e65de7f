-- Children before parents, and no CASCADE: an object of somebody else's that
-- depends on one of these tables is reported, not dropped.

drop table public.marketing_attributions;
drop table public.social_posts;
drop table public.email_sends;
drop table public.campaigns;
drop table public.email_templates;
drop table public.audience_segments;
