-- Who says what their name and address are: one row per distinct statement of a source.
-- What a record leaves out and all others with its e-mail address agree on is filled in: the
-- customer's number, phone and birth date.
--
-- reads   staging loyalty_profile, order_digital_transactions   records that hold a name
--         staging tables with e-mail and phone                  what goes with an address
-- writes  cdp_unification match_records, replaced whole by wf05_unify
-- nulls   the source does not say it; order_no only where nothing else identifies the record

with

statements as (

    select
        'loyalty_profile' as source,
        trfmd_customer_id as customer_id,
        trfmd_email as email,
        trfmd_phone_number as phone_number,
        cast(null as varchar) as order_no,
        trfmd_first_name as first_name,
        trfmd_last_name as last_name,
        trfmd_address as address,
        trfmd_city as city,
        trfmd_state as state,
        trfmd_postal_code as postal_code,
        trfmd_date_of_birth as date_of_birth,
        time
    from ${stg}_${sub}.loyalty_profile
    where trfmd_last_name is not null
    union all
    select
        'order_digital_transactions' as source,
        trfmd_customer_id as customer_id,
        trfmd_email as email,
        trfmd_phone_number as phone_number,
        case
            when trfmd_customer_id is null and trfmd_email is null then trfmd_order_key
        end as order_no,
        trfmd_first_name as first_name,
        trfmd_last_name as last_name,
        trfmd_billing_address as address,
        trfmd_billing_city as city,
        trfmd_billing_state as state,
        trfmd_billing_postal_code as postal_code,
        cast(null as varchar) as date_of_birth,
        time
    from ${stg}_${sub}.order_digital_transactions
    where trfmd_last_name is not null

),

-- what all records with an address agree on: without it, mother and daughter of one name are one
named as (

    select
        email,
        customer_id,
        phone_number,
        date_of_birth
    from statements
    union all
    select
        trfmd_secondary_email as email,
        trfmd_customer_id as customer_id,
        trfmd_phone_number as phone_number,
        trfmd_date_of_birth as date_of_birth
    from ${stg}_${sub}.loyalty_profile
    union all
    select
        trfmd_email as email,
        trfmd_customer_id as customer_id,
        trfmd_phone_number as phone_number,
        cast(null as varchar) as date_of_birth
    from ${stg}_${sub}.order_offline_transactions
    union all
    select
        trfmd_email as email,
        cast(null as varchar) as customer_id,
        trfmd_phone_number as phone_number,
        cast(null as varchar) as date_of_birth
    from ${stg}_${sub}.formfills
    union all
    select
        trfmd_email as email,
        trfmd_customer_id as customer_id,
        trfmd_phone_number as phone_number,
        cast(null as varchar) as date_of_birth
    from ${stg}_${sub}.app_analytics
    union all
    select
        trfmd_email as email,
        cast(null as varchar) as customer_id,
        trfmd_phone_number as phone_number,
        cast(null as varchar) as date_of_birth
    from ${stg}_${sub}.sms_activity

),

owners as (

    select
        email,
        min(customer_id) as customer_id,
        case when count(distinct phone_number) = 1 then min(phone_number) end as phone_number,
        case when count(distinct date_of_birth) = 1 then min(date_of_birth) end as date_of_birth
    from named
    where email is not null
    group by email
    having count(distinct customer_id) <= 1

),

known as (

    select
        statements.source,
        coalesce(statements.customer_id, owners.customer_id) as customer_id,
        statements.email,
        coalesce(statements.phone_number, owners.phone_number) as phone_number,
        statements.order_no,
        statements.first_name,
        statements.last_name,
        statements.address,
        statements.city,
        statements.state,
        statements.postal_code,
        coalesce(statements.date_of_birth, owners.date_of_birth) as date_of_birth,
        statements.time
    from statements
    left join owners on statements.email = owners.email

),

final as (

    select
        lower(to_hex(md5(to_utf8(array_join(
            array[
                source, customer_id, email, phone_number, order_no, first_name, last_name,
                address, city, state, postal_code, date_of_birth
            ], '|', '-'
        ))))) as record_id,
        source,
        customer_id,
        email,
        phone_number,
        order_no,
        first_name,
        last_name,
        address,
        city,
        state,
        postal_code,
        date_of_birth,
        min(time) as time,
        ${session_unixtime} as built_for
    from known
    group by
        source, customer_id, email, phone_number, order_no, first_name, last_name,
        address, city, state, postal_code, date_of_birth

)

select * from final
