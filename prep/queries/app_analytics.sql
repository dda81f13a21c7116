-- App events: one row per event (uuid), as first received; e-mail and phone out of the user's JSON.
--
-- reads   raw app_analytics   one row per upload of an event
-- writes  prp app_analytics, replaced whole by wf02_mapping
-- nulls   email and phone_number when the user's properties do not hold them

with

uploads as (

    select
        events.*,
        json_extract_scalar(events.user_properties, '$.email') as email,
        json_extract_scalar(events.user_properties, '$.phone') as phone_number,
        row_number() over (
            partition by events.uuid
            order by events.time asc, events.event_time asc, events.event_id asc
        ) as upload_rank
    from ${raw}_${sub}.app_analytics as events
    where events.time >= ${since}

)

select
    uploads.*,
    ${session_unixtime} as built_for
from uploads
where uploads.upload_rank = 1 or uploads.uuid is null
