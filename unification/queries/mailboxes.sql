-- Addresses that end in the same mailbox: what follows a plus sign is the owner's own label, and
-- Gmail reads no dots.
--
-- reads   staging, every table with trfmd_email   valid addresses, lower case
-- writes  cdp_unification mailboxes, replaced whole by wf05_unify: one row per address
-- nulls   none

with

seen as (

    select
        trfmd_email as email,
        time
    from ${stg}_${sub}.loyalty_profile
    union all
    select
        trfmd_secondary_email as email,
        time
    from ${stg}_${sub}.loyalty_profile
    union all
    select
        trfmd_email as email,
        time
    from ${stg}_${sub}.order_digital_transactions
    union all
    select
        trfmd_email as email,
        time
    from ${stg}_${sub}.order_offline_transactions
    union all
    select
        trfmd_email as email,
        time
    from ${stg}_${sub}.email_activity
    union all
    select
        trfmd_email as email,
        time
    from ${stg}_${sub}.sms_activity
    union all
    select
        trfmd_email as email,
        time
    from ${stg}_${sub}.app_analytics
    union all
    select
        trfmd_email as email,
        time
    from ${stg}_${sub}.formfills
    union all
    select
        trfmd_email as email,
        time
    from ${stg}_${sub}.consents_email
    union all
    select
        trfmd_email as email,
        time
    from ${stg}_${sub}.survey_responses

),

addresses as (

    select
        email,
        regexp_replace(split_part(email, '@', 1), '[+].*', '') as box,
        split_part(email, '@', 2) as host,
        min(time) as time
    from seen
    where email is not null
    group by email

),

final as (

    select
        email,
        case
            when host in ('gmail.com', 'googlemail.com') then replace(box, '.') || '@gmail.com'
            else box || '@' || host
        end as mailbox,
        time,
        ${session_unixtime} as built_for
    from addresses
    where box <> ''

)

select * from final
