-- Order offline transactions with the person who did it: one row per store order.
--
-- reads   cdp_unification enriched_order_offline_transactions   staged rows plus the person's id
-- writes  golden order_offline_transactions, replaced whole by wf06_golden
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
    markdown_flag,
    location_id,
    location_address,
    location_city,
    location_state,
    location_postal_code,
    location_country,
    amount,
    discount_amount,
    net_amount,

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
    trfmd_markdown_flag,
    trfmd_location_address,
    trfmd_location_city,
    trfmd_location_state,
    trfmd_location_postal_code,
    trfmd_location_country,

    -- times
    time,
    ${session_unixtime} as built_for
from ${unif}_${sub}.enriched_order_offline_transactions
