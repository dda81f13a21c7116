-- The unification in one row.
--
-- reads   golden unified_customers                   one row per person
--         cdp_unification ${unification_id}_lookup   one row per identifier
--         golden engagement_metrics                  one row per person
-- writes  analytics identity_summary, replaced whole by wf07_analytics
-- rates   0 to 1: identifiers that were joined to another one, of all identifiers
-- nulls   no identifiers at all: the rate is null

with

people as (

    select
        count(*) as profiles,
        count_if(is_known = 'true') as known_profiles,
        count_if(is_known = 'false') as anonymous_profiles,
        count_if(email is not null) as profiles_with_email,
        count_if(phone_number is not null) as profiles_with_phone,
        count_if(email is not null or phone_number is not null) as addressable_profiles,
        count_if(source_count > 1) as profiles_in_several_sources,
        count_if(created_for = ${session_unixtime}) as new_profiles
    from ${gld}_${sub}.unified_customers

),

reachable as (

    select
        count_if(is_email_marketable = 'true') as email_marketable_profiles,
        count_if(is_sms_marketable = 'true') as sms_marketable_profiles
    from ${gld}_${sub}.engagement_metrics

),

ids as (

    select
        count(*) as distinct_ids,
        count(distinct canonical_id) as profiles_with_ids
    from ${unif}_${sub}.${unification_id}_lookup

),

final as (

    select
        -- counts
        people.profiles,
        people.known_profiles,
        people.anonymous_profiles,
        people.profiles_with_email,
        people.profiles_with_phone,
        people.addressable_profiles,
        people.profiles_in_several_sources,
        people.new_profiles,
        reachable.email_marketable_profiles,
        reachable.sms_marketable_profiles,
        ids.distinct_ids,

        -- rates, 0 to 1
        round(
            (ids.distinct_ids - ids.profiles_with_ids) * 1e0 / nullif(ids.distinct_ids, 0), 4
        ) as joined_share,
        ${session_unixtime} as built_for
    from people
    cross join reachable
    cross join ids

)

select * from final
