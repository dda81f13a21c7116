-- Shopify's order lines: one row per line, with the product's type and the order's time.
--
-- reads   raw shopify_order_line, shopify_order, shopify_product
-- writes  prp order_details, replaced whole by wf02_mapping
-- money   line_total = price × quantity - discount

select
    -- ids
    lines.order_id,
    lines.index,
    lines.product_id,

    -- the line
    'sale' as order_kind,
    orders.created_at as order_created_at,
    lines.quantity,
    lines.price,
    lines.total_discount,
    lines.price * lines.quantity - lines.total_discount as line_total,

    -- the product
    lines.title,
    lines.vendor,
    products.product_type,

    lines.time,
    ${session_unixtime} as built_for
from ${raw}_${sub}.shopify_order_line as lines
left join ${raw}_${sub}.shopify_order as orders
    on lines.order_id = orders.id
left join ${raw}_${sub}.shopify_product as products
    on lines.product_id = products.id
