-- Klaviyo's e-mail events: one row per event; orders that Klaviyo heard of are not e-mails.
--
-- reads   raw klaviyo_event, klaviyo_person, klaviyo_campaign
-- writes  prp email_activity, replaced whole by wf02_mapping
-- nulls   email: the person is not in the person table

select
    events.id,
    events.datetime,
    events.type,
    events.campaign_id,
    coalesce(campaigns.name, events.property_campaign_name) as campaign_name,
    people.email,
    people.phone_number,
    events.time,
    ${session_unixtime} as built_for
from ${raw}_${sub}.klaviyo_event as events
left join ${raw}_${sub}.klaviyo_person as people
    on events.person_id = people.id
left join ${raw}_${sub}.klaviyo_campaign as campaigns
    on events.campaign_id = campaigns.id
where strpos(events.type, 'Email') > 0
