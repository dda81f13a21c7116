-- Orders: one row per order number and customer; the amount is the sum of the order's lines.
--
-- reads   raw sales, products, territories, customers, accounts, email_addresses, person_phones,
--         person_addresses, addresses, states, person_credit_cards
-- writes  prp order_digital_transactions, replaced whole by wf02_mapping
--
-- The two order numbers that were given to two customers have parts as in order_details.sql.
-- The token is the card that the customer has on file: the sales files do not say how an order
-- was paid.

with

orders as (

    select
        sales.order_number,
        sales.customer_key,
        min(sales.order_date) as order_date,
        min(sales.territory_key) as territory_key,
        max(sales.time) as time,
        sum(sales.order_quantity * products.product_price) as amount
    from ${raw}_${sub}.sales as sales
    left join ${raw}_${sub}.products as products
        on sales.product_key = products.product_key
    group by sales.order_number, sales.customer_key

),

parted as (

    select
        orders.*,
        case
            when
                orders.customer_key
                <> min(orders.customer_key) over (partition by orders.order_number)
                then orders.customer_key
        end as order_part
    from orders

),

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
        parted.customer_key,
        email_addresses.email_address,
        person_phones.phone_number,
        parted.order_number,
        parted.order_part,
        'card-' || person_credit_cards.credit_card_id as card_on_file,

        -- the order
        date_format(date_parse(parted.order_date, '%m/%d/%Y'), '%Y-%m-%d') as order_date,
        'sale' as order_kind,
        parted.amount,

        -- where it was sold
        parted.territory_key,
        territories.country_region_code as territory_country,

        -- who pays
        customers.first_name,
        customers.last_name,
        homes.address_line,
        homes.city,
        homes.state_province_code,
        homes.postal_code,
        homes.country_region_code,

        parted.time,
        ${session_unixtime} as built_for
    from parted
    left join ${raw}_${sub}.territories as territories
        on parted.territory_key = territories.territory_id
    left join ${raw}_${sub}.customers as customers
        on parted.customer_key = customers.customer_key
    left join ${raw}_${sub}.accounts as accounts
        on parted.customer_key = accounts.customer_id
    left join ${raw}_${sub}.email_addresses as email_addresses
        on accounts.person_id = email_addresses.business_entity_id
    left join ${raw}_${sub}.person_phones as person_phones
        on accounts.person_id = person_phones.business_entity_id
    left join ${raw}_${sub}.person_credit_cards as person_credit_cards
        on accounts.person_id = person_credit_cards.business_entity_id
    left join homes
        on
            accounts.person_id = homes.business_entity_id
            and homes.place = 1

)

select * from final
