-- Text message events: one row per exported event, its time in seconds.
--
-- reads   raw sms_activity   one row per event; timestamp_ms is unix milliseconds
-- writes  prp sms_activity, replaced whole by wf02_mapping

select
    events.*,
    events.timestamp_ms / 1000 as message_date,
    ${session_unixtime} as built_for
from ${raw}_${sub}.sms_activity as events
where events.time >= ${since}
