-- Order digital transactions with the person who did it: one row per online order.
--
-- reads   cdp_unification enriched_order_digital_transactions   staged rows plus the person's id
-- writes  golden order_digital_transactions, replaced whole by wf06_golden
-- nulls   no person is known for the row: canonical_id is null

select
    -- ids
    ${unification_id} as canonical_id,
    ${unification_id},

    -- as the source sent it
    customer_id,
    email,
    phone_number,
    token,
    order_no,
    order_part,
    order_datetime,
    order_transaction_type,
    payment_method,
    promo_code,
    projected_delivery_date,
    bopis_flag,
    markdown_flag,
    guest_checkout_flag,
    expidated_ship_flag,
    location_id,
    location_address,
    location_city,
    location_state,
    location_postal_code,
    location_country,
    billing_first_name,
    billing_last_name,
    billing_address,
    billing_city,
    billing_state,
    billing_postal_code,
    billing_country,
    shipping_address,
    shipping_city,
    shipping_state,
    shipping_postal_code,
    shipping_country,
    amount,
    discount_amount,
    net_amount,
    shipping_cost,

    -- as staging cleaned it
    trfmd_order_key,
    trfmd_customer_id,
    trfmd_email,
    valid_email_flag,
    trfmd_phone_number,
    trfmd_order_datetime,
    trfmd_order_datetime_unix,
    trfmd_season,
    trfmd_order_transaction_type,
    trfmd_payment_method,
    trfmd_promo_code,
    trfmd_bopis_flag,
    trfmd_markdown_flag,
    trfmd_guest_checkout_flag,
    trfmd_expidated_ship_flag,
    trfmd_location_address,
    trfmd_location_city,
    trfmd_location_state,
    trfmd_location_postal_code,
    trfmd_location_country,
    trfmd_first_name,
    trfmd_last_name,
    trfmd_full_name,
    trfmd_billing_address,
    trfmd_billing_city,
    trfmd_billing_state,
    trfmd_billing_postal_code,
    trfmd_billing_country,

    -- times
    time,
    ${session_unixtime} as built_for
from ${unif}_${sub}.enriched_order_digital_transactions
