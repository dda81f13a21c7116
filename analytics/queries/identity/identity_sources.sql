-- What each source brings to the unification: one row per source table.
--
-- reads   golden <source>            one row per source record, with its person
--         golden unified_customers   one row per person
-- known   by e-mail, telephone or customer id
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
        records.source,

        -- counts
        count(*) as records,
        count(records.canonical_id) as records_with_profile,
        count_if(unified_customers.is_known = 'true') as records_with_known_person,
        count(distinct records.canonical_id) as profiles,
        round(count_if(unified_customers.is_known = 'true') * 1e0 / count(*), 4) as known_share,
        ${session_unixtime} as built_for
    from records
    left join ${gld}_${sub}.unified_customers
        on records.canonical_id = unified_customers.canonical_id
    group by records.source

)

select * from final
