-- Words that no vocabulary knows: one row per kind, source and word.
--
-- reads   source tables with words of a vocabulary, staging words
-- writes  staging unknown_words, replaced whole by wf04_stage; nothing is dropped for being unknown
-- nulls   none

with

raw_words as (

    select
        'gender' as kind,
        'loyalty_profile' as source,
        gender as word
    from ${src}_${sub}.loyalty_profile
    union all
    select
        'country' as kind,
        'loyalty_profile' as source,
        country as word
    from ${src}_${sub}.loyalty_profile
    union all
    select
        'transaction' as kind,
        'order_digital_transactions' as source,
        order_transaction_type as word
    from ${src}_${sub}.order_digital_transactions
    union all
    select
        'transaction' as kind,
        'order_offline_transactions' as source,
        order_transaction_type as word
    from ${src}_${sub}.order_offline_transactions
    union all
    select
        'transaction' as kind,
        'order_details' as source,
        order_transaction_type as word
    from ${src}_${sub}.order_details
    union all
    select
        'payment' as kind,
        'order_digital_transactions' as source,
        payment_method as word
    from ${src}_${sub}.order_digital_transactions
    union all
    select
        'payment' as kind,
        'order_offline_transactions' as source,
        payment_method as word
    from ${src}_${sub}.order_offline_transactions
    union all
    select
        'email_activity' as kind,
        'email_activity' as source,
        activity_type as word
    from ${src}_${sub}.email_activity
    union all
    select
        'sms_activity' as kind,
        'sms_activity' as source,
        activity_type as word
    from ${src}_${sub}.sms_activity
    union all
    select
        'flag' as kind,
        'consents' as source,
        consent_flag as word
    from ${src}_${sub}.consents
    union all
    select
        'id_type' as kind,
        'consents' as source,
        id_type as word
    from ${src}_${sub}.consents

)

select
    raw_words.kind,
    raw_words.source,
    lower(trim(raw_words.word)) as word,
    count(*) as occurrences,
    ${session_unixtime} as built_for
from raw_words
left join ${stg}_${sub}.words__next as known
    on raw_words.kind = known.kind and lower(trim(raw_words.word)) = known.word
left join ${stg}_${sub}.words__next as placeholders
    on placeholders.kind = 'placeholder' and lower(trim(raw_words.word)) = placeholders.word
where
    known.word is null
    and placeholders.word is null
    and trim(raw_words.word) <> ''
group by raw_words.kind, raw_words.source, lower(trim(raw_words.word))
