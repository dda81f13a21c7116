-- Members, cleaned: one row per customer id (its latest record), and every record without an id.
--
-- reads   source loyalty_profile     one row per source record
--         staging *_standard, words  what each raw value means
-- writes  staging loyalty_profile, replaced whole by wf04_stage
-- nulls   a trfmd_ column is null when the raw value says nothing

with

profiles as (

    select
        profiles.*,
        case
            when placeholders.word is null
                then
                    regexp_replace(
                        upper(nullif(trim(profiles.customer_id), '')), '^([0-9]+)[.]0+$', '$1'
                    )
        end as trfmd_customer_id,
        coalesce(countries.code, '${default_country}') as region,
        countries.code as trfmd_country,
        coalesce(td_time_parse(profiles.created_at, 'UTC'), created.trfmd_unix)
            as trfmd_created_at_unix,
        coalesce(td_time_parse(profiles.updated_at, 'UTC'), updated.trfmd_unix)
            as trfmd_updated_at_unix,
        coalesce(td_time_parse(profiles.date_of_birth, 'UTC'), born.trfmd_unix) as born_unix,
        coalesce(
            td_time_parse(profiles.current_membership_level_expiration, 'UTC'),
            expires.trfmd_unix
        ) as trfmd_membership_expires_unix
    from ${src}_${sub}.loyalty_profile as profiles
    left join ${stg}_${sub}.words__next as placeholders
        on
            placeholders.kind in ('placeholder', 'placeholder_id')
            and lower(trim(profiles.customer_id)) = placeholders.word
    left join ${stg}_${sub}.words__next as countries
        on countries.kind = 'country' and lower(trim(profiles.country)) = countries.word
    left join ${stg}_${sub}.dates_standard__next as created
        on created.source = 'loyalty_profile' and profiles.created_at = created.value
    left join ${stg}_${sub}.dates_standard__next as updated
        on updated.source = 'loyalty_profile' and profiles.updated_at = updated.value
    left join ${stg}_${sub}.dates_standard__next as born
        on born.source = 'loyalty_profile' and profiles.date_of_birth = born.value
    left join ${stg}_${sub}.dates_standard__next as expires
        on
            expires.source = 'loyalty_profile'
            and profiles.current_membership_level_expiration = expires.value

),

ranked as (

    select
        *,
        row_number() over (
            partition by trfmd_customer_id
            order by
                trfmd_updated_at_unix desc, time desc, created_at desc,
                email desc, phone_number desc, address desc, last_name desc,
                first_name desc, secondary_email desc, membership_points_balance desc
        ) as recency
    from profiles

),

latest as (

    select
        *,
        -- 1 January 1900 and the like stand for "not known"
        case
            when
                born_unix > td_time_parse('1900-01-01', 'UTC')
                and born_unix < ${session_unixtime}
                then born_unix
        end as trfmd_date_of_birth_unix
    from ranked
    where trfmd_customer_id is null or recency = 1

),

final as (

    select
        -- as the source sent it
        latest.customer_id,
        latest.email,
        latest.secondary_email,
        latest.phone_number,
        latest.first_name,
        latest.last_name,
        latest.address,
        latest.city,
        latest.state,
        latest.postal_code,
        latest.country,
        latest.gender,
        latest.date_of_birth,
        latest.membership_status,
        latest.membership_tier,
        latest.current_membership_level_expiration,
        latest.store_id,
        latest.store_address,
        latest.store_city,
        latest.created_at,
        latest.updated_at,
        latest.wishlist_item,
        latest.net_redeemable_balance,
        latest.net_debits,
        latest.membership_points_earned,
        latest.membership_points_balance,
        latest.membership_points_pending,
        latest.total_loyalty_purchases,
        latest.time,

        -- ids
        latest.trfmd_customer_id,
        emails.trfmd_email,
        emails.valid_email_flag,
        second_emails.trfmd_email as trfmd_secondary_email,
        phones.trfmd_phone_number,

        -- names
        given.trfmd_name as trfmd_first_name,
        family.trfmd_name as trfmd_last_name,
        nullif(concat_ws(' ', given.trfmd_name, family.trfmd_name), '') as trfmd_full_name,
        coalesce(given.title, family.title) as trfmd_name_title,
        family.suffix as trfmd_name_suffix,

        -- address
        addresses.trfmd_address,
        towns.trfmd_name as trfmd_city,
        coalesce(states.code, nullif(trim(latest.state), '')) as trfmd_state,
        upper(nullif(trim(latest.postal_code), '')) as trfmd_postal_code,
        latest.trfmd_country,

        -- person
        genders.code as trfmd_gender,
        td_time_format(latest.trfmd_date_of_birth_unix, 'yyyy-MM-dd', 'UTC')
            as trfmd_date_of_birth,
        latest.trfmd_date_of_birth_unix,
        (
            cast(td_time_format(${session_unixtime}, 'yyyyMMdd', 'UTC') as bigint)
            - cast(
                td_time_format(latest.trfmd_date_of_birth_unix, 'yyyyMMdd', 'UTC') as bigint
            )
        ) / 10000 as trfmd_age,

        -- membership
        case
            when statuses.code = 'true' then 'active'
            when statuses.code = 'false' then 'inactive'
            else lower(nullif(trim(latest.membership_status), ''))
        end as trfmd_membership_status,
        nullif(
            upper(substr(trim(latest.membership_tier), 1, 1))
            || lower(substr(trim(latest.membership_tier), 2)), ''
        ) as trfmd_membership_tier,
        latest.trfmd_membership_expires_unix,

        -- dates, UTC
        replace(
            td_time_format(latest.trfmd_created_at_unix, 'yyyy-MM-dd HH:mm:ss', 'UTC'), ' ', 'T'
        ) || 'Z' as trfmd_created_at,
        latest.trfmd_created_at_unix,
        replace(
            td_time_format(latest.trfmd_updated_at_unix, 'yyyy-MM-dd HH:mm:ss', 'UTC'), ' ', 'T'
        ) || 'Z' as trfmd_updated_at,
        latest.trfmd_updated_at_unix,

        ${session_unixtime} as built_for
    from latest
    left join ${stg}_${sub}.emails_standard__next as emails on latest.email = emails.email
    left join ${stg}_${sub}.emails_standard__next as second_emails
        on latest.secondary_email = second_emails.email
    left join ${stg}_${sub}.phones_standard__next as phones
        on
            latest.phone_number = phones.phone_number
            and coalesce(latest.country, '') = phones.country
    left join ${stg}_${sub}.names_standard__next as given
        on given.kind = 'given' and latest.first_name = given.name
    left join ${stg}_${sub}.names_standard__next as family
        on family.kind = 'family' and latest.last_name = family.name
    left join ${stg}_${sub}.names_standard__next as towns
        on towns.kind = 'place' and latest.city = towns.name
    left join ${stg}_${sub}.addresses_standard__next as addresses
        on
            latest.address = addresses.address
            and coalesce(latest.country, '') = addresses.country
    left join ${stg}_${sub}.words__next as states
        on states.kind = 'state:' || latest.region and lower(trim(latest.state)) = states.word
    left join ${stg}_${sub}.words__next as genders
        on genders.kind = 'gender' and lower(trim(latest.gender)) = genders.word
    left join ${stg}_${sub}.words__next as statuses
        on statuses.kind = 'flag' and lower(trim(latest.membership_status)) = statuses.word

)

select * from final
