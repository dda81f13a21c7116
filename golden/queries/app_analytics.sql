-- App analytics with the person who did it: one row per app event.
--
-- reads   cdp_unification enriched_app_analytics   staged rows plus the person's id
-- writes  golden app_analytics, replaced whole by wf06_golden
-- nulls   no person is known for the row: canonical_id is null

select
    -- ids
    ${unification_id} as canonical_id,
    ${unification_id},

    -- as the source sent it
    app_name,
    analytics_id,
    event_id,
    session_id,
    user_id,
    email,
    phone_number,
    device_id,
    event_time,
    event_type,
    version_name,
    adid,
    groups,
    idfa,
    platform,
    os_name,
    os_version,
    device_brand,
    device_manufacturer,
    device_model,
    device_carrier,
    device_type,
    device_family,
    country,
    language,
    city,
    region,
    dma,
    ip_address,
    event_properties,
    user_properties,
    uuid,
    location_lat,
    location_lng,

    -- as staging cleaned it
    trfmd_customer_id,
    trfmd_email,
    valid_email_flag,
    trfmd_phone_number,
    trfmd_device_id,
    trfmd_event_time,
    trfmd_event_time_unix,
    trfmd_event_type,

    -- times
    time,
    ${session_unixtime} as built_for
from ${unif}_${sub}.enriched_app_analytics
