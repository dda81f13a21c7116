-- App events, cleaned: one row per event.
--
-- reads   source app_analytics   one row per source record
--         staging *_standard, words   what each raw value means
-- writes  staging app_analytics, replaced whole by wf04_stage
-- nulls   a trfmd_ column is null when the raw value says nothing

select
    -- as the source sent it
    events.app_name,
    events.analytics_id,
    events.event_id,
    events.session_id,
    events.user_id,
    events.email,
    events.phone_number,
    events.device_id,
    events.event_time,
    events.event_type,
    events.version_name,
    events.adid,
    events.groups,
    events.idfa,
    events.platform,
    events.os_name,
    events.os_version,
    events.device_brand,
    events.device_manufacturer,
    events.device_model,
    events.device_carrier,
    events.device_type,
    events.device_family,
    events.country,
    events.language,
    events.city,
    events.region,
    events.dma,
    events.ip_address,
    events.event_properties,
    events.user_properties,
    events.uuid,
    events.location_lat,
    events.location_lng,
    events.time,

    -- ids
    emails.trfmd_email,
    emails.valid_email_flag,
    phones.trfmd_phone_number,
    case
        when placeholders.word is null
            then
                regexp_replace(
                    upper(nullif(trim(events.user_id), '')), '^([0-9]+)[.]0+$', '$1'
                )
    end as trfmd_customer_id,
    case when no_devices.word is null then nullif(trim(events.device_id), '') end
        as trfmd_device_id,
    -- all noughts: the person switched the advertising id off
    case
        when regexp_like(events.adid, '[1-9a-fA-F]') then lower(trim(events.adid))
    end as trfmd_adid,
    case
        when regexp_like(events.idfa, '[1-9a-fA-F]') then lower(trim(events.idfa))
    end as trfmd_idfa,

    -- when, UTC
    replace(
        td_time_format(
            coalesce(td_time_parse(events.event_time, 'UTC'), dates.trfmd_unix),
            'yyyy-MM-dd HH:mm:ss', 'UTC'
        ), ' ', 'T'
    ) || 'Z' as trfmd_event_time,
    coalesce(td_time_parse(events.event_time, 'UTC'), dates.trfmd_unix) as trfmd_event_time_unix,

    -- what
    lower(nullif(trim(events.event_type), '')) as trfmd_event_type,

    ${session_unixtime} as built_for
from ${src}_${sub}.app_analytics as events
left join ${stg}_${sub}.emails_standard__next as emails on events.email = emails.email
left join ${stg}_${sub}.phones_standard__next as phones
    on events.phone_number = phones.phone_number and phones.country = coalesce(events.country, '')
left join ${stg}_${sub}.dates_standard__next as dates
    on dates.source = 'app_analytics' and events.event_time = dates.value
left join ${stg}_${sub}.words__next as placeholders
    on
        placeholders.kind in ('placeholder', 'placeholder_id')
        and lower(trim(events.user_id)) = placeholders.word
left join ${stg}_${sub}.words__next as no_devices
    on
        no_devices.kind in ('placeholder', 'placeholder_id')
        and lower(trim(events.device_id)) = no_devices.word
