-- The master profile: one row per person, people of whom only a browser is known included.
--
-- reads   cdp_unification parent_table, profile_identifiers, profile_geography   one row per person
--         cdp_unification enriched_loyalty_profile, enriched_order_digital_transactions
--         golden consents__next             latest answer per id and kind of message
--         golden sources_attributes__next   in how many sources a person occurs
--         golden customer_audit             the sessions of earlier runs; empty on the first
-- writes  golden unified_customers, replaced whole by wf06_golden
-- values  the newest loyalty record that has one wins, then the newest online order's billing name
-- consent the person's main address counts; is there no answer of it, the latest of any other
-- nulls   no source knows the value

with

loyalty_records as (

    select
        ${unification_id} as canonical_id,
        1 as priority,
        trfmd_updated_at_unix as known_unix,
        trfmd_customer_id as customer_id,
        trfmd_first_name as first_name,
        trfmd_last_name as last_name,
        trfmd_gender as gender,
        trfmd_date_of_birth as date_of_birth,
        trfmd_age as age,
        trfmd_membership_tier as membership_tier,
        trfmd_membership_status as membership_status,
        trfmd_created_at_unix as since_unix
    from ${unif}_${sub}.enriched_loyalty_profile

),

online_orders as (

    select
        ${unification_id} as canonical_id,
        2 as priority,
        trfmd_order_datetime_unix as known_unix,
        trfmd_customer_id as customer_id,
        trfmd_first_name as first_name,
        trfmd_last_name as last_name,
        cast(null as varchar) as gender,
        cast(null as varchar) as date_of_birth,
        cast(null as bigint) as age,
        cast(null as varchar) as membership_tier,
        cast(null as varchar) as membership_status,
        trfmd_order_datetime_unix as since_unix
    from ${unif}_${sub}.enriched_order_digital_transactions

),

store_orders as (

    select
        ${unification_id} as canonical_id,
        3 as priority,
        trfmd_order_datetime_unix as known_unix,
        trfmd_customer_id as customer_id,
        cast(null as varchar) as first_name,
        cast(null as varchar) as last_name,
        cast(null as varchar) as gender,
        cast(null as varchar) as date_of_birth,
        cast(null as bigint) as age,
        cast(null as varchar) as membership_tier,
        cast(null as varchar) as membership_status,
        trfmd_order_datetime_unix as since_unix
    from ${unif}_${sub}.enriched_order_offline_transactions

),

records as (

    select * from loyalty_records
    union all
    select * from online_orders
    union all
    select * from store_orders

),

ranked as (

    select
        *,
        row_number() over (
            partition by canonical_id
            order by
                priority asc, known_unix desc, customer_id asc, last_name asc, first_name asc,
                since_unix asc, date_of_birth asc
        ) as place
    from records
    where canonical_id is not null

),

known as (

    select
        canonical_id,
        min_by(customer_id, place) filter (where customer_id is not null) as customer_id,
        min_by(first_name, place) filter (where first_name is not null) as first_name,
        min_by(last_name, place) filter (where last_name is not null) as last_name,
        min_by(gender, place) filter (where gender is not null) as gender,
        min_by(date_of_birth, place) filter (where date_of_birth is not null) as date_of_birth,
        min_by(age, place) filter (where age is not null) as age,
        min_by(membership_tier, place) filter (where membership_tier is not null)
            as membership_tier,
        min_by(membership_status, place) filter (where membership_status is not null)
            as membership_status,
        min(since_unix) as customer_since_unix
    from ranked
    group by canonical_id

),

answers as (

    select
        canonical_id,
        lower(consent_type) as consent_type,
        consent_flag,
        row_number() over (
            partition by canonical_id, lower(consent_type)
            order by
                is_primary desc,
                consented_unix desc,
                consent_flag asc,
                id asc
        ) as place
    from ${gld}_${sub}.consents__next
    where consent_flag is not null and canonical_id is not null

),

consents as (

    select
        canonical_id,
        max(case when consent_type = 'email' then consent_flag end) as email_consent,
        max(case when consent_type = 'sms' then consent_flag end) as sms_consent
    from answers
    where place = 1
    group by canonical_id

),

people as (

    select
        parent_table.${unification_id} as canonical_id,
        profile_identifiers.email,
        profile_identifiers.phone_number,
        known.customer_id,
        known.first_name,
        known.last_name,
        nullif(
            trim(coalesce(known.first_name, '') || ' ' || coalesce(known.last_name, '')), ''
        ) as full_name,
        known.gender,
        known.date_of_birth,
        known.age,
        profile_geography.address,
        profile_geography.city,
        profile_geography.state,
        profile_geography.postal_code,
        profile_geography.country,
        known.membership_tier,
        known.membership_status,
        known.customer_since_unix,
        consents.email_consent,
        consents.sms_consent,
        coalesce(sources_attributes__next.source_count, 0) as source_count,
        case
            when profile_identifiers.email is not null then 'true'
            when profile_identifiers.phone_number is not null then 'true'
            when known.customer_id is not null then 'true'
            else 'false'
        end as is_known
    from ${unif}_${sub}.parent_table
    left join ${unif}_${sub}.profile_identifiers
        on parent_table.${unification_id} = profile_identifiers.${unification_id}
    left join ${unif}_${sub}.profile_geography
        on parent_table.${unification_id} = profile_geography.${unification_id}
    left join known on parent_table.${unification_id} = known.canonical_id
    left join consents on parent_table.${unification_id} = consents.canonical_id
    left join ${gld}_${sub}.sources_attributes__next
        on parent_table.${unification_id} = sources_attributes__next.canonical_id

),

sealed as (

    select
        *,
        -- age and the number of sources move by themselves: they are no change of the person
        lower(to_hex(md5(to_utf8(array_join(
            array[
                email, phone_number, customer_id, first_name, last_name, gender, date_of_birth,
                address, city, state, postal_code, country, membership_tier, membership_status,
                email_consent, sms_consent
            ], '|', '-'
        ))))) as row_checksum
    from people

),

final as (

    select
        -- ids
        sealed.canonical_id,
        sealed.canonical_id as ${unification_id},
        sealed.email,
        sealed.phone_number,
        sealed.customer_id,
        sealed.is_known,
        sealed.source_count,

        -- person
        sealed.first_name,
        sealed.last_name,
        sealed.full_name,
        sealed.gender,
        sealed.date_of_birth,
        sealed.age,

        -- address
        sealed.address,
        sealed.city,
        sealed.state,
        sealed.postal_code,
        sealed.country,

        -- membership and consent
        sealed.membership_tier,
        sealed.membership_status,
        sealed.email_consent,
        sealed.sms_consent,
        date_format(from_unixtime(sealed.customer_since_unix), '%Y-%m-%dT%H:%i:%sZ')
            as customer_since,
        sealed.customer_since_unix,

        -- audit: the first session that had the person, and the last that changed them
        least(coalesce(customer_audit.created_for, ${session_unixtime}), ${session_unixtime})
            as created_for,
        case
            when customer_audit.row_checksum = sealed.row_checksum then customer_audit.updated_for
            else ${session_unixtime}
        end as updated_for,
        sealed.row_checksum,
        ${session_unixtime} as built_for
    from sealed
    left join ${gld}_${sub}.customer_audit
        on sealed.canonical_id = customer_audit.canonical_id

)

select * from final
