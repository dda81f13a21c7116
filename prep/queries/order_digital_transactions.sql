-- Online orders: one row per order id, its latest version, with the nested addresses unpacked.
--
-- reads   raw order_digital_transactions   one row per delivery of a webhook, repeats included
-- writes  prp order_digital_transactions, replaced whole by wf02_mapping
-- nulls   customer is null for a guest; shipping for a pick-up; pickup_location for a delivery

with

deliveries as (

    select
        orders.*,
        row_number() over (
            partition by orders.id
            order by
                orders.updated_at desc,
                orders.time desc,
                orders.total_price desc,
                orders.tags desc
        ) as version_rank
    from ${raw}_${sub}.order_digital_transactions as orders

),

final as (

    select
        -- ids
        id,
        json_extract_scalar(customer, '$.id') as customer_id,
        email,
        phone,
        payment_token,

        -- the order
        created_at,
        transaction_kind,
        json_extract_scalar(payment_gateway_names, '$[0]') as payment_method,
        json_extract_scalar(discount_codes, '$[0].code') as promo_code,
        estimated_delivery_date,
        case when strpos(tags, 'bopis') > 0 then 'true' else 'false' end as bopis_flag,
        case when strpos(tags, 'markdown') > 0 then 'true' else 'false' end as markdown_flag,
        case when strpos(tags, 'expedited') > 0 then 'true' else 'false' end as expidated_ship_flag,
        case
            when json_extract_scalar(customer, '$.id') is null then 'true' else 'false'
        end as guest_checkout_flag,

        -- where it is picked up
        json_extract_scalar(pickup_location, '$.id') as location_id,
        json_extract_scalar(pickup_location, '$.address1') as location_address,
        json_extract_scalar(pickup_location, '$.city') as location_city,
        json_extract_scalar(pickup_location, '$.province_code') as location_state,
        json_extract_scalar(pickup_location, '$.zip') as location_postal_code,
        json_extract_scalar(pickup_location, '$.country_code') as location_country,

        -- who pays
        json_extract_scalar(billing_address, '$.first_name') as billing_first_name,
        json_extract_scalar(billing_address, '$.last_name') as billing_last_name,
        json_extract_scalar(billing_address, '$.address1') as billing_street,
        json_extract_scalar(billing_address, '$.city') as billing_city,
        json_extract_scalar(billing_address, '$.province_code') as billing_state,
        json_extract_scalar(billing_address, '$.zip') as billing_postal_code,
        json_extract_scalar(billing_address, '$.country_code') as billing_country,

        -- where it goes
        json_extract_scalar(shipping_address, '$.address1') as shipping_street,
        json_extract_scalar(shipping_address, '$.city') as shipping_city,
        json_extract_scalar(shipping_address, '$.province_code') as shipping_state,
        json_extract_scalar(shipping_address, '$.zip') as shipping_postal_code,
        json_extract_scalar(shipping_address, '$.country_code') as shipping_country,

        -- money, in the shop's currency
        subtotal_price,
        total_discounts,
        shipping_price,

        time,
        ${session_unixtime} as built_for
    from deliveries
    where version_rank = 1 or id is null

)

select * from final
