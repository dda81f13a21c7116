-- SMS events, cleaned: one row per event.
--
-- reads   source sms_activity   one row per source record
--         staging *_standard, words   what each raw value means
-- writes  staging sms_activity, replaced whole by wf04_stage
-- nulls   a trfmd_ column is null when the raw value says nothing

with

events as (

    select
        *,
        -- seconds; thousandths and millionths where a source sends those
        case
            when message_date >= 100000000000000 then message_date / 1000000
            when message_date >= 100000000000 then message_date / 1000
            else message_date
        end as trfmd_message_date_unix
    from ${src}_${sub}.sms_activity

)

select
    -- as the source sent it
    events.message_date,
    events.phone_number,
    events.email,
    events.activity_type,
    events.message_type,
    events.message_name,
    events.message_text,
    events.message_link,
    events.message_creative,
    events.time,

    -- ids
    emails.trfmd_email,
    emails.valid_email_flag,
    phones.trfmd_phone_number,

    -- when, UTC
    replace(
        td_time_format(events.trfmd_message_date_unix, 'yyyy-MM-dd HH:mm:ss', 'UTC'), ' ', 'T'
    ) || 'Z' as trfmd_message_date,
    events.trfmd_message_date_unix,

    -- what
    coalesce(kinds.code, lower(nullif(trim(events.activity_type), ''))) as trfmd_activity_type,
    lower(nullif(trim(events.message_type), '')) as trfmd_message_type,
    nullif(trim(events.message_name), '') as trfmd_message_name,

    ${session_unixtime} as built_for
from events
left join ${stg}_${sub}.emails_standard__next as emails on events.email = emails.email
left join ${stg}_${sub}.phones_standard__next as phones
    on events.phone_number = phones.phone_number and phones.country = ''
left join ${stg}_${sub}.words__next as kinds
    on kinds.kind = 'sms_activity' and lower(trim(events.activity_type)) = kinds.word
