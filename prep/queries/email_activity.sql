-- E-mail events: one row per event id; of repeats the one received last.
--
-- reads   raw email_activity   one row per delivery of an event
-- writes  prp email_activity, replaced whole by wf02_mapping

with

deliveries as (

    select
        events.*,
        row_number() over (
            partition by events.event_id
            order by
                events.time desc,
                events.datetime desc,
                events.metric_name asc,
                events.email asc
        ) as version_rank
    from ${raw}_${sub}.email_activity as events
    where events.time >= ${since}

)

select
    event_id,
    datetime,
    metric_name,
    campaign_id,
    campaign_name,
    email,
    person_phone,
    external_id,
    subject,
    flow_id,
    time,
    ${session_unixtime} as built_for
from deliveries
where version_rank = 1 or event_id is null
