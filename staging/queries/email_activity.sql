-- E-mail events, cleaned: one row per event.
--
-- reads   source email_activity   one row per source record
--         staging *_standard, words   what each raw value means
-- writes  staging email_activity, replaced whole by wf04_stage
-- nulls   a trfmd_ column is null when the raw value says nothing

select
    -- as the source sent it
    events.activity_date,
    events.campaign_id,
    events.campaign_name,
    events.email,
    events.phone_number,
    events.customer_id,
    events.activity_type,
    events.time,

    -- ids
    emails.trfmd_email,
    emails.valid_email_flag,
    phones.trfmd_phone_number,
    case
        when placeholders.word is null
            then
                regexp_replace(
                    upper(nullif(trim(events.customer_id), '')), '^([0-9]+)[.]0+$', '$1'
                )
    end as trfmd_customer_id,

    -- when, UTC
    replace(
        td_time_format(
            coalesce(td_time_parse(events.activity_date, 'UTC'), dates.trfmd_unix),
            'yyyy-MM-dd HH:mm:ss', 'UTC'
        ), ' ', 'T'
    ) || 'Z' as trfmd_activity_date,
    coalesce(td_time_parse(events.activity_date, 'UTC'), dates.trfmd_unix)
        as trfmd_activity_date_unix,

    -- what
    coalesce(kinds.code, lower(nullif(trim(events.activity_type), ''))) as trfmd_activity_type,
    nullif(trim(events.campaign_name), '') as trfmd_campaign_name,

    ${session_unixtime} as built_for
from ${src}_${sub}.email_activity as events
left join ${stg}_${sub}.emails_standard__next as emails on events.email = emails.email
left join ${stg}_${sub}.phones_standard__next as phones
    on events.phone_number = phones.phone_number and phones.country = ''
left join ${stg}_${sub}.dates_standard__next as dates
    on dates.source = 'email_activity' and events.activity_date = dates.value
left join ${stg}_${sub}.words__next as kinds
    on kinds.kind = 'email_activity' and lower(trim(events.activity_type)) = kinds.word
left join ${stg}_${sub}.words__next as placeholders
    on
        placeholders.kind in ('placeholder', 'placeholder_id')
        and lower(trim(events.customer_id)) = placeholders.word
