-- What is bought together: one row per pair of products in ${basket_min_orders} orders and more.
--
-- reads   golden transaction_history   one row per order line
-- writes  analytics market_basket, replaced whole by wf07_analytics
-- basket  the different products of one order; returned and cancelled lines are none
-- rates   support: orders with both, of all orders with a product; confidence a to b: of the orders
--         with a, those with b too; lift: how much oftener than if the two had nothing to do with
--         each other (1 is chance)
-- cost    rare products leave before pairs are made, so the work grows with orders, not products
-- nulls   none

with

baskets as (

    select distinct
        coalesce(channel, '') as channel,
        order_no,
        product_id
    from ${gld}_${sub}.transaction_history
    where
        order_no is not null
        and product_id is not null
        and coalesce(quantity, 1) > 0
        and coalesce(lower(transaction_type), '') not like 'return%'
        and coalesce(lower(transaction_type), '') not like 'refund%'
        and coalesce(lower(transaction_type), '') not like 'cancel%'

),

numbers as (

    select distinct
        channel,
        order_no
    from baskets

),

orders as (

    select count(*) as total_orders
    from numbers

),

products as (

    select
        product_id,
        count(*) as orders
    from baskets
    group by product_id
    having count(*) >= ${basket_min_orders}

),

names as (

    select
        product_id,
        min(product_name) as product_name
    from ${gld}_${sub}.transaction_history
    group by product_id

),

frequent as (

    select
        baskets.channel,
        baskets.order_no,
        baskets.product_id
    from baskets
    inner join products on baskets.product_id = products.product_id

),

pairs as (

    select
        a.product_id as product_a,
        b.product_id as product_b,
        count(*) as frequency
    from frequent as a
    inner join frequent as b
        on a.order_no = b.order_no and a.channel = b.channel and a.product_id < b.product_id
    group by a.product_id, b.product_id
    having count(*) >= ${basket_min_orders}

),

final as (

    select
        -- ids
        pairs.product_a,
        names_a.product_name as product_a_name,
        pairs.product_b,
        names_b.product_name as product_b_name,

        -- counts
        pairs.frequency,
        products_a.orders as orders_a,
        products_b.orders as orders_b,
        orders.total_orders,

        -- rates
        pairs.frequency * 1e0 / orders.total_orders as support,
        pairs.frequency * 1e0 / products_a.orders as confidence_a_to_b,
        pairs.frequency * 1e0 / products_b.orders as confidence_b_to_a,
        pairs.frequency * 1e0 * orders.total_orders / (products_a.orders * products_b.orders)
            as lift,
        ${session_unixtime} as built_for
    from pairs
    inner join products as products_a on pairs.product_a = products_a.product_id
    inner join products as products_b on pairs.product_b = products_b.product_id
    left join names as names_a on pairs.product_a = names_a.product_id
    left join names as names_b on pairs.product_b = names_b.product_id
    cross join orders

)

select * from final
