-- Sms activity with the person who did it: one row per text message event.
--
-- reads   cdp_unification enriched_sms_activity   staged rows plus the person's id
-- writes  golden sms_activity, replaced whole by wf06_golden
-- nulls   no person is known for the row: canonical_id is null

select
    -- ids
    ${unification_id} as canonical_id,
    ${unification_id},

    -- as the source sent it
    message_date,
    phone_number,
    email,
    activity_type,
    message_type,
    message_name,
    message_text,
    message_link,
    message_creative,

    -- as staging cleaned it
    trfmd_email,
    valid_email_flag,
    trfmd_phone_number,
    trfmd_message_date,
    trfmd_message_date_unix,
    trfmd_activity_type,
    trfmd_message_name,

    -- times
    time,
    ${session_unixtime} as built_for
from ${unif}_${sub}.enriched_sms_activity
