-- What each telephone number means: one row per distinct raw number and country.
--
-- reads   source tables that carry a number, staging words, staging phone_rules
-- writes  staging phones_standard, replaced whole by wf04_stage
-- nulls   trfmd_phone_number (E.164) is null when reason says why: impossible or placeholder
--
-- The rules are libphonenumber's: leave out the national prefix, check the possible lengths of the
-- calling code (scripts/phone_rules.py writes them to config/vocabulary/phone_rules.csv).

with

raw_phones as (

    select
        phone_number,
        country
    from ${src}_${sub}.loyalty_profile
    union all
    select
        phone_number,
        coalesce(billing_country, shipping_country) as country
    from ${src}_${sub}.order_digital_transactions
    union all
    select
        phone_number,
        location_country as country
    from ${src}_${sub}.order_offline_transactions
    union all
    select
        phone_number,
        null as country
    from ${src}_${sub}.email_activity
    union all
    select
        phone_number,
        null as country
    from ${src}_${sub}.sms_activity
    union all
    select
        phone_number,
        country
    from ${src}_${sub}.app_analytics
    union all
    select
        phone_number,
        null as country
    from ${src}_${sub}.formfills
    union all
    select
        id as phone_number,
        null as country
    from ${src}_${sub}.consents
    where strpos(id, '@') = 0
    union all
    select
        phone_number,
        null as country
    from ${src}_${sub}.survey_responses

),

counted as (

    select
        raw_phones.phone_number,
        coalesce(raw_phones.country, '') as country,
        coalesce(countries.code, '${default_country}') as region,
        count(*) as occurrences
    from raw_phones
    left join ${stg}_${sub}.words__next as countries
        on countries.kind = 'country' and lower(trim(raw_phones.country)) = countries.word
    where regexp_like(raw_phones.phone_number, '\S')
    group by 1, 2, 3

),

bare as (

    select
        *,
        -- extensions and the `tel:` of a link are no part of a number; full-width digits are digits
        regexp_replace(
            regexp_replace(lower(normalize(phone_number, nfkc)), '^\s*tel:', ''),
            '(;ext=|ext\.?|extension|x|#)[\s.:]*[0-9]{1,7}\s*$', ''
        ) as bare_number
    from counted

),

digits as (

    select
        *,
        regexp_like(bare_number, '^[^0-9a-z]*\+') as has_plus,
        regexp_replace(bare_number, '[^0-9]', '') as dialled,
        regexp_like(bare_number, '[a-z]') as has_letters
    from bare

),

international as (

    select
        digits.*,
        home.calling_code as home_code,
        case
            when digits.has_plus then digits.dialled
            when
                home.international_prefix <> ''
                and regexp_like(digits.dialled, '^(?:' || home.international_prefix || ')[1-9]')
                then regexp_replace(digits.dialled, '^(?:' || home.international_prefix || ')', '')
            -- the calling code written without a plus: no number at home, or too long for one
            when
                starts_with(digits.dialled, home.calling_code)
                and (
                    length(digits.dialled)
                    > cast(element_at(split(home.lengths, ','), -2) as bigint)
                    or (
                        not regexp_like(digits.dialled, '^(?:' || home.pattern || ')$')
                        and regexp_like(
                            regexp_replace(
                                substr(digits.dialled, length(home.calling_code) + 1),
                                '^(?:' || home.national_prefix || ')', ''
                            ),
                            '^(?:' || home.pattern || ')$'
                        )
                    )
                )
                then
                    home.calling_code
                    || regexp_replace(
                        substr(digits.dialled, length(home.calling_code) + 1),
                        '^(?:' || home.national_prefix || ')', ''
                    )
        end as with_code,
        home.country as home_country
    from digits
    left join ${stg}_${sub}.phone_rules__next as home on digits.region = home.country

),

ruled as (

    select
        international.*,
        rules.calling_code,
        rules.national_prefix,
        rules.transform_text,
        rules.transform_group,
        rules.pattern,
        rules.lengths,
        case
            when international.with_code is null then international.dialled
            else substr(international.with_code, length(rules.calling_code) + 1)
        end as national
    from international
    left join ${stg}_${sub}.phone_rules__next as rules
        on
            (international.with_code is null and international.home_country = rules.country)
            or (
                rules.is_main = 'true'
                and starts_with(international.with_code, rules.calling_code)
            )

),

stripped as (

    select
        *,
        case
            when national_prefix = '' or not regexp_like(national, '^(?:' || national_prefix || ')')
                then national
            when
                transform_group = '1'
                and regexp_extract(national, '^(?:' || national_prefix || ')', 1) <> ''
                then
                    transform_text
                    || regexp_extract(national, '^(?:' || national_prefix || ')', 1)
                    || regexp_replace(national, '^(?:' || national_prefix || ')', '')
            when
                transform_group = '2'
                and regexp_extract(national, '^(?:' || national_prefix || ')', 2) <> ''
                then
                    transform_text
                    || regexp_extract(national, '^(?:' || national_prefix || ')', 2)
                    || regexp_replace(national, '^(?:' || national_prefix || ')', '')
            else regexp_replace(national, '^(?:' || national_prefix || ')', '')
        end as without_prefix
    from ruled

),

numbered as (

    select
        *,
        case
            -- a prefix that belongs to the number itself stays
            when
                regexp_like(national, '^(?:' || pattern || ')$')
                and not regexp_like(without_prefix, '^(?:' || pattern || ')$')
                then national
            -- and one without which too little is left
            when
                strpos(lengths, ',' || cast(length(without_prefix) as varchar) || ',') = 0
                and length(without_prefix)
                <= cast(element_at(split(lengths, ','), -2) as bigint)
                then national
            else without_prefix
        end as significant
    from stripped

),

judged as (

    select
        *,
        not has_letters
        and calling_code is not null
        and strpos(lengths, ',' || cast(length(significant) as varchar) || ',') > 0 as is_possible,
        -- one digit over and over, or a run up or down the keyboard
        dialled = ''
        or replace(significant, substr(significant, 1, 1), '') = ''
        or strpos('012345678901234567890', significant) > 0
        or strpos('987654321098765432109', significant) > 0
        or regexp_like(significant, '^[0-9]{3}(0{7}|1{7}|5550000|1234567)$') as is_placeholder
    from numbered

),

final as (

    select
        phone_number,
        country,
        case
            when is_possible and not is_placeholder then '+' || calling_code || significant
        end as trfmd_phone_number,
        case
            when is_placeholder then 'placeholder'
            when not is_possible or is_possible is null then 'impossible'
        end as reason,
        occurrences,
        ${session_unixtime} as built_for
    from judged

)

select * from final
