-- Who says what their name and address are: one row per distinct statement of a source.
--
-- reads   staging loyalty_profile, order_digital_transactions   records that hold a name
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
    from statements
    group by
        source, customer_id, email, phone_number, order_no, first_name, last_name,
        address, city, state, postal_code, date_of_birth

)

select * from final
