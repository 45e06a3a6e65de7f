delete from app_private.table_policies
where table_name in (
    'audience_segments', 'email_templates', 'campaigns', 'email_sends', 'social_posts',
    'marketing_attributions'
);

drop policy marketing_attributions_service on public.marketing_attributions;
drop policy marketing_attributions_select on public.marketing_attributions;
revoke all on table public.marketing_attributions from anon, authenticated, service_role;

drop policy social_posts_service on public.social_posts;
drop policy social_posts_delete on public.social_posts;
drop policy social_posts_update on public.social_posts;
drop policy social_posts_insert on public.social_posts;
drop policy social_posts_select on public.social_posts;
revoke all on table public.social_posts from anon, authenticated, service_role;

drop policy email_sends_service on public.email_sends;
drop policy email_sends_select on public.email_sends;
revoke all on table public.email_sends from anon, authenticated, service_role;

drop policy campaigns_service on public.campaigns;
drop policy campaigns_delete on public.campaigns;
drop policy campaigns_update on public.campaigns;
drop policy campaigns_insert on public.campaigns;
drop policy campaigns_select on public.campaigns;
revoke all on table public.campaigns from anon, authenticated, service_role;

drop policy email_templates_service on public.email_templates;
drop policy email_templates_delete on public.email_templates;
drop policy email_templates_update on public.email_templates;
drop policy email_templates_insert on public.email_templates;
drop policy email_templates_select on public.email_templates;
revoke all on table public.email_templates from anon, authenticated, service_role;

drop policy audience_segments_service on public.audience_segments;
drop policy audience_segments_delete on public.audience_segments;
drop policy audience_segments_update on public.audience_segments;
drop policy audience_segments_insert on public.audience_segments;
drop policy audience_segments_select on public.audience_segments;
revoke all on table public.audience_segments from anon, authenticated, service_role;
