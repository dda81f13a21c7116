-- Basket lines: one row per product of a basket.
--
-- reads   raw transactions, products
-- writes  prp order_details, replaced whole by wf02_mapping
-- money   sales_value is what the shop got; the shelf price is before the loyalty discount
-- nulls   222 lines have a product that the product file does not know; no unit: no shelf price

select
    -- ids
    transactions.basket_id,
    row_number() over (
        partition by transactions.basket_id order by transactions.product_id asc
    ) as line_number,
    transactions.product_id,

    -- the line
    'sale' as order_kind,
    transactions.transaction_timestamp,
    cast(transactions.quantity as bigint) as quantity,
    (transactions.sales_value + transactions.retail_disc)
    / nullif(transactions.quantity, 0e0) as shelf_price,
    transactions.retail_disc + transactions.coupon_match_disc as discount_amount,
    transactions.sales_value,

    -- the product
    coalesce(products.product_type, products.product_category, products.department)
        as product_name,
    products.package_size,
    products.brand,
    products.department,
    products.product_category,

    transactions.time,
    ${session_unixtime} as built_for
from ${raw}_${sub}.transactions as transactions
left join ${raw}_${sub}.products as products
    on transactions.product_id = products.product_id
