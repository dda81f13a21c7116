-- Customers with an account: one row per CustomerKey, with the e-mail, phone and home that
-- AdventureWorks keeps in separate tables.
--
-- reads   raw customers, accounts, email_addresses, person_phones, person_addresses, addresses,
--         states
-- writes  prp loyalty_profile, replaced whole by wf02_mapping
-- nulls   gender 'NA' is null

with

homes as (

    select
        person_addresses.business_entity_id,
        addresses.address_line1
        || coalesce(' ' || addresses.address_line2, '') as address_line,
        addresses.city,
        trim(states.state_province_code) as state_province_code,
        addresses.postal_code,
        states.country_region_code,
        row_number() over (
            partition by person_addresses.business_entity_id
            order by person_addresses.address_type_id asc, person_addresses.address_id asc
        ) as place
    from ${raw}_${sub}.person_addresses as person_addresses
    inner join ${raw}_${sub}.addresses as addresses
        on person_addresses.address_id = addresses.address_id
    inner join ${raw}_${sub}.states as states
        on addresses.state_province_id = states.state_province_id

),

final as (

    select
        -- ids
        customers.customer_key,
        email_addresses.email_address,
        person_phones.phone_number,

        -- who
        customers.first_name,
        customers.last_name,
        nullif(customers.gender, 'NA') as gender,
        -- months and days come with and without a leading zero
        date_format(date_parse(customers.birth_date, '%m/%d/%Y'), '%Y-%m-%d') as birth_date,

        -- where
        homes.address_line,
        homes.city,
        homes.state_province_code,
        homes.postal_code,
        homes.country_region_code,

        customers.time,
        ${session_unixtime} as built_for
    from ${raw}_${sub}.customers as customers
    left join ${raw}_${sub}.accounts as accounts
        on customers.customer_key = accounts.customer_id
    left join ${raw}_${sub}.email_addresses as email_addresses
        on accounts.person_id = email_addresses.business_entity_id
    left join ${raw}_${sub}.person_phones as person_phones
        on accounts.person_id = person_phones.business_entity_id
    left join homes
        on
            accounts.person_id = homes.business_entity_id
            and homes.place = 1

)

select * from final
