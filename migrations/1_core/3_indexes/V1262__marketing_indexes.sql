-- Marketing: see V1200 for what is indexed and why.

create index campaigns_event_idx on public.campaigns (event_id, organization_id);
create index campaigns_segment_idx on public.campaigns (segment_id, organization_id);
create index campaigns_creator_idx on public.campaigns (created_by);
create index email_sends_template_idx on public.email_sends (template_id, organization_id);

-- What the provider reports is about a message that it names.
create index email_sends_provider_ref_idx on public.email_sends (provider_ref)
    where provider_ref is not null;

-- What is still to be sent, oldest first.
create index email_sends_queue_idx on public.email_sends (created_at)
    where status = 'queued';

create index social_posts_campaign_idx on public.social_posts (campaign_id, organization_id);

-- What is due to be published.
create index social_posts_schedule_idx on public.social_posts (scheduled_at)
    where status = 'scheduled';

create index marketing_attributions_campaign_idx
    on public.marketing_attributions (campaign_id, organization_id);
