-- Order details with the person who did it: one row per order line.
--
-- reads   cdp_unification enriched_order_details   staged rows plus the person's id
-- writes  golden order_details, replaced whole by wf06_golden
-- nulls   no person is known for the row: canonical_id is null

select
    -- ids
    ${unification_id} as canonical_id,
    ${unification_id},

    -- as the source sent it
    order_no,
    order_part,
    order_line_no,
    order_transaction_type,
    order_datetime,
    product_id,
    product_name,
    product_color,
    product_size,
    product_description,
    product_department,
    product_sub_department,
    quantity,
    list_price,
    discount_offered,
    tax,
    net_price,

    -- as staging cleaned it
    trfmd_order_key,
    trfmd_product_name,
    trfmd_product_department,
    trfmd_product_sub_department,
    trfmd_order_transaction_type,
    trfmd_order_datetime,
    trfmd_order_datetime_unix,

    -- times
    time,
    ${session_unixtime} as built_for
from ${unif}_${sub}.enriched_order_details
