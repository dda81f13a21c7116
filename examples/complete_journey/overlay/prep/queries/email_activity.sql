-- Mailings: one row per household and campaign, sent on the campaign's first day.
--
-- reads   raw campaigns, campaign_descriptions
-- writes  prp email_activity, replaced whole by wf02_mapping
-- nulls   no address is known: the mailings went to households

select
    -- ids
    campaigns.campaign_id,
    campaigns.household_id,

    -- the mailing
    descriptions.start_date,
    'Campaign ' || campaigns.campaign_id || ' (' || descriptions.campaign_type || ')'
        as campaign_name,
    'sent' as activity,

    campaigns.time,
    ${session_unixtime} as built_for
from ${raw}_${sub}.campaigns as campaigns
inner join ${raw}_${sub}.campaign_descriptions as descriptions
    on campaigns.campaign_id = descriptions.campaign_id
