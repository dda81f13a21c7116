-- What each date that is not ISO-8601 means: one row per source and distinct raw text.
--
-- reads   source tables that carry dates as text, staging words (date_order: which sources write
--         the day first; where nobody says so and no value of the source tells it, the month)
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
        -- without a day of the week in front, ordinal endings and what stands between the parts
        trim(regexp_replace(
            regexp_replace(
                regexp_replace(
                    translate(upper(trim(raw_dates.value)), '年月日', '-- '),
                    '^([^0-9,]+, *|(MON|TUE|WED|THU|FRI|SAT|SUN)[A-Z]* +)', ''
                ),
                '([0-9])(ST|ND|RD|TH)[ ,]+', '$1 '
            ),
            ' (DE|DEL|OF|UM|AT) ', ' '
        )) as text,
        orders.code = 'day_first' as is_day_first
    from raw_dates
    left join ${stg}_${sub}.words__next as orders
        on orders.kind = 'date_order' and raw_dates.source = orders.word
    where
        regexp_like(raw_dates.value, '[0-9]')
        and (
            not regexp_like(trim(raw_dates.value), '^[0-9]{4}-[0-9]{2}-[0-9]{2}')
            or td_time_parse(raw_dates.value, 'UTC') is null
        )

),

split_up as (

    select
        *,
        -- 31/12/2025, 12-31-25
        regexp_extract(
            text, '^([0-9]{1,2})[/.-][0-9]{1,2}[/.-](?:[0-9]{4}|[0-9]{2})(?:[ ,T]|$)', 1
        ) as first_part,
        regexp_extract(
            text, '^[0-9]{1,2}[/.-]([0-9]{1,2})[/.-](?:[0-9]{4}|[0-9]{2})(?:[ ,T]|$)', 1
        ) as second_part,
        regexp_extract(
            text, '^[0-9]{1,2}[/.-][0-9]{1,2}[/.-]([0-9]{4}|[0-9]{2})(?:[ ,T]|$)', 1
        ) as last_year,
        regexp_like(text, '^[0-9]{1,2}[.]') as has_dots,
        -- 31 Dec 2025, 31. Dezember 2025, Dec 31, 2025
        coalesce(
            regexp_extract(
                text, '^([0-9]{1,2})[.]?[ -]*[^0-9 ,.-]{3,}[.]?[ ,-]+(?:[0-9]{4}|[0-9]{2})', 1
            ),
            regexp_extract(text, '^[^0-9 ,.-]{3,}[.]? +([0-9]{1,2}),? +[0-9]{4}', 1)
        ) as worded_day,
        lower(coalesce(
            regexp_extract(
                text, '^[0-9]{1,2}[.]?[ -]*([^0-9 ,.-]{3,})[.]?[ ,-]+(?:[0-9]{4}|[0-9]{2})', 1
            ),
            regexp_extract(text, '^([^0-9 ,.-]{3,})[.]? +[0-9]{1,2},? +[0-9]{4}', 1)
        )) as worded_month,
        coalesce(
            regexp_extract(
                text,
                '^[0-9]{1,2}[.]?[ -]*[^0-9 ,.-]{3,}[.]?[ ,-]+([0-9]{4}|[0-9]{2})(?:[ ,T]|$)',
                1
            ),
            regexp_extract(text, '^[^0-9 ,.-]{3,}[.]? +[0-9]{1,2},? +([0-9]{4})(?:[ ,T]|$)', 1)
        ) as worded_year,
        -- the clock: hours, minutes, seconds, morning or afternoon, distance from UTC
        regexp_extract(text, '[ ,T]([0-9]{1,2})[:.H][0-9]{2}', 1) as hours,
        regexp_extract(text, '[ ,T][0-9]{1,2}[:.H]([0-9]{2})', 1) as minutes,
        regexp_extract(text, '[ ,T][0-9]{1,2}[:.][0-9]{2}[:.]([0-9]{2})', 1) as seconds,
        regexp_extract(text, '[0-9 ]([AP])[.]?M[.]?$', 1) as half_day,
        regexp_extract(text, ':[0-9.]+ *([+-][0-9]{2}:?[0-9]{2})$', 1) as zone
    from unusual

),

compared as (

    select
        *,
        -- which order the source's own values prove: 25/12 has the day first, 12/25 the month
        count_if(
            not has_dots
            and cast(first_part as bigint) between 13 and 31
            and cast(second_part as bigint) <= 12
        ) over (partition by source) as days_first,
        count_if(
            not has_dots
            and cast(first_part as bigint) <= 12
            and cast(second_part as bigint) between 13 and 31
        ) over (partition by source) as months_first
    from split_up

),

with_months as (

    select
        compared.*,
        months.code as month_number,
        coalesce(compared.last_year, compared.worded_year) as written_year,
        coalesce(
            compared.is_day_first,
            case when compared.days_first > 0 and compared.months_first = 0 then true end
        ) as puts_day_first
    from compared
    left join ${stg}_${sub}.words__next as months
        on months.kind = 'month' and compared.worded_month = months.word

),

placed as (

    select
        *,
        case
            when has_dots or puts_day_first or cast(first_part as bigint) > 12 then first_part
            else second_part
        end as day_part,
        case
            when has_dots or puts_day_first or cast(first_part as bigint) > 12 then second_part
            else first_part
        end as month_part,
        case
            when length(written_year) = 4 then written_year
            -- two digits are of this century up to next year
            when
                cast('20' || written_year as bigint)
                <= cast(td_time_format(${session_unixtime}, 'yyyy', 'UTC') as bigint) + 1
                then '20' || written_year
            else '19' || written_year
        end as year_part,
        cast(hours as bigint)
        + case
            when half_day = 'P' and hours <> '12' then 12
            when half_day = 'A' and hours = '12' then -12
            else 0
        end as hour_of_day
    from with_months

),

dated as (

    select
        *,
        case
            when first_part is not null
                then
                    year_part || '-' || lpad(month_part, 2, '0') || '-' || lpad(day_part, 2, '0')
            when month_number is not null
                then year_part || '-' || month_number || '-' || lpad(worded_day, 2, '0')
            when regexp_like(text, '^(19|20)[0-9]{6}(T?[0-9]{6}Z?)?$')
                then
                    regexp_replace(text, '^(.{4})(..)(..).*$', '$1-$2-$3')
                    || regexp_replace(substr(text, 9), '^T?(..)(..)(..)Z?$', ' $1:$2:$3')
            when regexp_like(text, '^[0-9]{4}[/.-][0-9]{1,2}[/.-][0-9]{1,2}([ ,T]|$)')
                then
                    substr(text, 1, 4) || '-'
                    || lpad(regexp_extract(text, '^[0-9]{4}[/.-]([0-9]{1,2})', 1), 2, '0') || '-'
                    || lpad(
                        regexp_extract(text, '^[0-9]{4}[/.-][0-9]{1,2}[/.-]([0-9]{1,2})', 1), 2, '0'
                    )
        end as iso_date,
        coalesce(
            ' ' || lpad(cast(hour_of_day as varchar), 2, '0')
            || ':' || minutes || ':' || coalesce(seconds, '00') || coalesce(zone, ''),
            ''
        ) as clock
    from placed

),

final as (

    select
        source,
        value,
        case
            -- seconds, with a fraction; thousandths; millionths
            when regexp_like(text, '^[0-9]{10}([.][0-9]*|[0-9]{3}|[0-9]{6})?$')
                then cast(substr(text, 1, 10) as bigint)
            else td_time_parse(iso_date || clock, 'UTC')
        end as trfmd_unix,
        -- both readings are dates, and nobody said which is meant
        case
            when
                not has_dots and puts_day_first is null
                and cast(first_part as bigint) <= 12 and cast(second_part as bigint) <= 12
                and first_part <> second_part
                then 'true'
            else 'false'
        end as is_ambiguous,
        ${session_unixtime} as built_for
    from dated

)

select * from final
