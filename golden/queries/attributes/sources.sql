-- In which sources a person occurs: one row per person who occurs in any.
--
-- reads   cdp_unification enriched_<table>   staged rows plus the person's id
-- writes  golden sources_attributes, replaced whole by wf06_golden
-- nulls   none

with

occurrences as (

    select
        ${unification_id} as canonical_id,
        'loyalty_profile' as source
    from ${unif}_${sub}.enriched_loyalty_profile
    union distinct
    select
        ${unification_id} as canonical_id,
        'order_digital_transactions' as source
    from ${unif}_${sub}.enriched_order_digital_transactions
    union distinct
    select
        ${unification_id} as canonical_id,
        'order_offline_transactions' as source
    from ${unif}_${sub}.enriched_order_offline_transactions
    union distinct
    select
        ${unification_id} as canonical_id,
        'email_activity' as source
    from ${unif}_${sub}.enriched_email_activity
    union distinct
    select
        ${unification_id} as canonical_id,
        'sms_activity' as source
    from ${unif}_${sub}.enriched_sms_activity
    union distinct
    select
        ${unification_id} as canonical_id,
        'pageviews' as source
    from ${unif}_${sub}.enriched_pageviews
    union distinct
    select
        ${unification_id} as canonical_id,
        'app_analytics' as source
    from ${unif}_${sub}.enriched_app_analytics
    union distinct
    select
        ${unification_id} as canonical_id,
        'formfills' as source
    from ${unif}_${sub}.enriched_formfills
    union distinct
    select
        ${unification_id} as canonical_id,
        'consents' as source
    from ${unif}_${sub}.enriched_consents_email
    union distinct
    select
        ${unification_id} as canonical_id,
        'consents' as source
    from ${unif}_${sub}.enriched_consents_phone
    union distinct
    select
        ${unification_id} as canonical_id,
        'survey_responses' as source
    from ${unif}_${sub}.enriched_survey_responses

),

final as (

    select
        canonical_id,
        count(*) as source_count,
        array_join(array_sort(array_agg(source)), ', ') as sources,
        ${session_unixtime} as built_for
    from occurrences
    where canonical_id is not null
    group by canonical_id

)

select * from final
