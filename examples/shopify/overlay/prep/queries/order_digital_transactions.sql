-- Shopify's orders: one row per order, with its discount codes.
--
-- reads   raw shopify_order, shopify_order_discount_code
-- writes  prp order_digital_transactions, replaced whole by wf02_mapping
-- nulls   discount_code: the order has none

with

codes as (

    select
        order_id,
        min(code) as discount_code
    from ${raw}_${sub}.shopify_order_discount_code
    group by order_id

)

select
    -- ids
    orders.id,
    orders.customer_id,
    orders.email,
    orders.location_id,

    -- the order
    orders.created_at,
    case when orders.cancelled_at is null then 'sale' else 'cancelled' end as order_kind,
    orders.processing_method,
    codes.discount_code,
    case when orders.customer_id is null then 'true' else 'false' end as guest_checkout_flag,

    -- who pays
    orders.billing_address_first_name,
    orders.billing_address_last_name,
    orders.billing_address_phone,
    orders.billing_address_address_1,
    orders.billing_address_city,
    orders.billing_address_province_code,
    orders.billing_address_zip,
    orders.billing_address_country_code,

    -- where it goes
    orders.shipping_address_address_1,
    orders.shipping_address_city,
    orders.shipping_address_province_code,
    orders.shipping_address_zip,
    orders.shipping_address_country_code,

    -- money, in the shop's currency
    orders.subtotal_price,
    orders.total_discounts,

    orders.time,
    ${session_unixtime} as built_for
from ${raw}_${sub}.shopify_order as orders
left join codes
    on orders.id = codes.order_id
