-- Email activity with the person who did it: one row per e-mail event.
--
-- reads   cdp_unification enriched_email_activity   staged rows plus the person's id
-- writes  golden email_activity, replaced whole by wf06_golden
-- nulls   no person is known for the row: canonical_id is null

select
    -- ids
    ${unification_id} as canonical_id,
    ${unification_id},

    -- as the source sent it
    activity_date,
    campaign_id,
    campaign_name,
    email,
    phone_number,
    customer_id,
    activity_type,

    -- as staging cleaned it
    trfmd_customer_id,
    trfmd_email,
    valid_email_flag,
    trfmd_phone_number,
    trfmd_activity_date,
    trfmd_activity_date_unix,
    trfmd_activity_type,
    trfmd_campaign_name,

    -- times
    time,
    ${session_unixtime} as built_for
from ${unif}_${sub}.enriched_email_activity
