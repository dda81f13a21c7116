-- What each date that is not ISO-8601 means: one row per source and distinct raw text.
--
-- reads   source tables that carry dates as text, staging words (date_order: which sources write
--         the day first; month first otherwise)
-- writes  staging dates_standard, replaced whole by wf04_stage
-- nulls   trfmd_unix is null for what is no date (0000-00-00, 31 February, words)

with

raw_dates as (

    select
        'loyalty_profile' as source,
        date_of_birth as value
    from ${src}_${sub}.loyalty_profile
    union distinct
    select
        'loyalty_profile' as source,
        created_at as value
    from ${src}_${sub}.loyalty_profile
    union distinct
    select
        'loyalty_profile' as source,
        updated_at as value
    from ${src}_${sub}.loyalty_profile
    union distinct
    select
        'loyalty_profile' as source,
        current_membership_level_expiration as value
    from ${src}_${sub}.loyalty_profile
    union distinct
    select
        'order_digital_transactions' as source,
        order_datetime as value
    from ${src}_${sub}.order_digital_transactions
    union distinct
    select
        'order_digital_transactions' as source,
        projected_delivery_date as value
    from ${src}_${sub}.order_digital_transactions
    union distinct
    select
        'order_offline_transactions' as source,
        order_datetime as value
    from ${src}_${sub}.order_offline_transactions
    union distinct
    select
        'order_details' as source,
        order_datetime as value
    from ${src}_${sub}.order_details
    union distinct
    select
        'email_activity' as source,
        activity_date as value
    from ${src}_${sub}.email_activity
    union distinct
    select
        'app_analytics' as source,
        event_time as value
    from ${src}_${sub}.app_analytics
    union distinct
    select
        'survey_responses' as source,
        submitted_at as value
    from ${src}_${sub}.survey_responses

),

unusual as (

    select
        raw_dates.source,
        raw_dates.value,
        upper(trim(raw_dates.value)) as text,
        orders.code = 'day_first' as is_day_first
    from raw_dates
    left join ${stg}_${sub}.words__next as orders
        on orders.kind = 'date_order' and raw_dates.source = orders.word
    where
        regexp_like(raw_dates.value, '[0-9]')
        and not regexp_like(trim(raw_dates.value), '^[0-9]{4}-[0-9]{2}-[0-9]{2}')

),

split_up as (

    select
        *,
        regexp_extract(text, '^([0-9]{1,2})[/.-][0-9]{1,2}[/.-][0-9]{4}(?:[ ,T]|$)', 1)
            as first_part,
        regexp_extract(text, '^[0-9]{1,2}[/.-]([0-9]{1,2})[/.-][0-9]{4}(?:[ ,T]|$)', 1)
            as second_part,
        regexp_extract(text, '^[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{4})(?:[ ,T]|$)', 1)
            as last_year,
        regexp_like(text, '^[0-9]{1,2}[.]') as has_dots,
        coalesce(
            regexp_extract(text, '^([0-9]{1,2})[ -](?:[A-Z]{3})[A-Z]*[ ,-]+[0-9]{4}', 1),
            regexp_extract(text, '^(?:[A-Z]{3})[A-Z]*[.]? ([0-9]{1,2}),? [0-9]{4}', 1)
        ) as worded_day,
        strpos(
            'JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC',
            coalesce(
                regexp_extract(text, '^[0-9]{1,2}[ -]([A-Z]{3})[A-Z]*[ ,-]+[0-9]{4}', 1),
                regexp_extract(text, '^([A-Z]{3})[A-Z]*[.]? [0-9]{1,2},? [0-9]{4}', 1)
            )
        ) as month_place,
        regexp_extract(text, '[A-Z][.]?[ ,-]+(?:[0-9]{1,2},? )?([0-9]{4})', 1) as worded_year,
        -- the clock: hours, minutes, seconds, morning or afternoon
        regexp_extract(text, '[ ,T]([0-9]{1,2}):[0-9]{2}', 1) as hours,
        regexp_extract(text, '[ ,T][0-9]{1,2}:([0-9]{2})', 1) as minutes,
        regexp_extract(text, '[ ,T][0-9]{1,2}:[0-9]{2}:([0-9]{2})', 1) as seconds,
        regexp_extract(text, '[0-9 ]([AP])[.]?M[.]?$', 1) as half_day
    from unusual

),

placed as (

    select
        *,
        case
            when has_dots or is_day_first or cast(first_part as bigint) > 12 then first_part
            else second_part
        end as day_part,
        case
            when has_dots or is_day_first or cast(first_part as bigint) > 12 then second_part
            else first_part
        end as month_part,
        cast(hours as bigint)
        + case
            when half_day = 'P' and hours <> '12' then 12
            when half_day = 'A' and hours = '12' then -12
            else 0
        end as hour_of_day
    from split_up

),

dated as (

    select
        *,
        case
            when first_part is not null
                then
                    last_year || '-' || lpad(month_part, 2, '0') || '-' || lpad(day_part, 2, '0')
            when month_place > 0 and month_place % 3 = 1
                then
                    worded_year || '-'
                    || lpad(cast(month_place / 3 + 1 as varchar), 2, '0') || '-'
                    || lpad(worded_day, 2, '0')
            when regexp_like(text, '^(19|20)[0-9]{6}$')
                then substr(text, 1, 4) || '-' || substr(text, 5, 2) || '-' || substr(text, 7, 2)
            when regexp_like(text, '^[0-9]{4}[/-][0-9]{1,2}[/-][0-9]{1,2}')
                then
                    substr(text, 1, 4) || '-'
                    || lpad(regexp_extract(text, '^[0-9]{4}[/-]([0-9]{1,2})', 1), 2, '0') || '-'
                    || lpad(
                        regexp_extract(text, '^[0-9]{4}[/-][0-9]{1,2}[/-]([0-9]{1,2})', 1), 2, '0'
                    )
        end as iso_date,
        coalesce(
            ' ' || lpad(cast(hour_of_day as varchar), 2, '0')
            || ':' || minutes || ':' || coalesce(seconds, '00'),
            ''
        ) as clock
    from placed

),

final as (

    select
        source,
        value,
        case
            when regexp_like(text, '^[0-9]{10}$') then cast(text as bigint)
            when regexp_like(text, '^[0-9]{13}$') then cast(text as bigint) / 1000
            else td_time_parse(iso_date || clock, 'UTC')
        end as trfmd_unix,
        -- both readings are dates, and nobody said which is meant
        case
            when
                not has_dots and is_day_first is null
                and cast(first_part as bigint) <= 12 and cast(second_part as bigint) <= 12
                and first_part <> second_part
                then 'true'
            else 'false'
        end as is_ambiguous,
        ${session_unixtime} as built_for
    from dated

)

select * from final
