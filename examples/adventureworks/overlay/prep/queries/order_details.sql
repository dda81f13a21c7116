-- Order lines: one row per line of the three sales files.
--
-- reads   raw sales, products, product_subcategories, product_categories
-- writes  prp order_details, replaced whole by wf02_mapping
-- nulls   colour 'NA' and size '0' are null
--
-- Two order numbers (SO62019, SO72019) were given to two customers each. What the customer with the
-- higher key bought is a part of the order, so that every line finds its own customer.

with

lines as (

    select
        sales.*,
        case
            when
                sales.customer_key
                <> min(sales.customer_key) over (partition by sales.order_number)
                then sales.customer_key
        end as order_part
    from ${raw}_${sub}.sales as sales

),

final as (

    select
        -- ids
        lines.order_number,
        lines.order_part,
        row_number() over (
            partition by lines.order_number, lines.order_part
            order by lines.order_line_item asc, lines.product_key asc
        ) as line_number,
        lines.product_key,

        -- the line
        'sale' as order_kind,
        date_format(date_parse(lines.order_date, '%m/%d/%Y'), '%Y-%m-%d') as order_date,
        lines.order_quantity,
        products.product_price,
        lines.order_quantity * products.product_price as line_total,

        -- the product
        products.product_name,
        nullif(products.product_color, 'NA') as product_color,
        nullif(products.product_size, '0') as product_size,
        products.product_description,
        product_categories.name as category_name,
        product_subcategories.name as subcategory_name,

        lines.time,
        ${session_unixtime} as built_for
    from lines
    left join ${raw}_${sub}.products as products
        on lines.product_key = products.product_key
    left join ${raw}_${sub}.product_subcategories as product_subcategories
        on products.product_subcategory_key = product_subcategories.product_subcategory_id
    left join ${raw}_${sub}.product_categories as product_categories
        on product_subcategories.product_category_id = product_categories.product_category_id

)

select * from final
