-- What each source brings to the unification: one row per source table.
--
-- reads   golden <source>   one row per source record, with its person
-- writes  analytics identity_sources, replaced whole by wf07_analytics
-- rates   0 to 1, of the source's records; null when it has none

with

records as (

    select
        'loyalty_profile' as source,
        canonical_id
    from ${gld}_${sub}.loyalty_profile
    union all
    select
        'order_digital_transactions' as source,
        canonical_id
    from ${gld}_${sub}.order_digital_transactions
    union all
    select
        'order_offline_transactions' as source,
        canonical_id
    from ${gld}_${sub}.order_offline_transactions
    union all
    select
        'order_details' as source,
        canonical_id
    from ${gld}_${sub}.order_details
    union all
    select
        'email_activity' as source,
        canonical_id
    from ${gld}_${sub}.email_activity
    union all
    select
        'sms_activity' as source,
        canonical_id
    from ${gld}_${sub}.sms_activity
    union all
    select
        'pageviews' as source,
        canonical_id
    from ${gld}_${sub}.pageviews
    union all
    select
        'app_analytics' as source,
        canonical_id
    from ${gld}_${sub}.app_analytics
    union all
    select
        'formfills' as source,
        canonical_id
    from ${gld}_${sub}.formfills
    union all
    select
        'consents' as source,
        canonical_id
    from ${gld}_${sub}.consents
    union all
    select
        'survey_responses' as source,
        canonical_id
    from ${gld}_${sub}.survey_responses

),

final as (

    select
        -- ids
        source,

        -- counts
        count(*) as records,
        count(canonical_id) as records_with_person,
        count(distinct canonical_id) as people,
        round(count(canonical_id) * 1e0 / count(*), 4) as identified_share,
        ${session_unixtime} as built_for
    from records
    group by source

)

select * from final
