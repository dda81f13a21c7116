-- The shop in one row.
--
-- reads   golden unified_transactions   one row per order
--         golden unified_customers      one row per person
--         golden customer_attributes    one row per person
-- writes  analytics sales_summary, replaced whole by wf07_analytics
-- money   in the shop's currency; total_revenue = gross_revenue + returns_amount (negative)
-- rates   0 to 1: buyers with two orders and more, of all buyers; revenue whose buyer is known by
--         e-mail, telephone or customer id
-- nulls   no orders at all: averages, rates and dates are null, sums are 0

with

orders as (

    select
        coalesce(round(sum(revenue), 4), 0e0) as total_revenue,
        coalesce(round(sum(case when is_return = 'true' then 0e0 else revenue end), 4), 0e0)
            as gross_revenue,
        coalesce(round(sum(case when is_return = 'true' then revenue else 0e0 end), 4), 0e0)
            as returns_amount,
        round(
            round(sum(case when is_purchase = 'true' then amount end), 4)
            / nullif(
                sum(case when is_purchase = 'true' and amount is not null then order_count end), 0
            ), 4
        ) as avg_order_value,
        coalesce(sum(case when is_purchase = 'true' then order_count end), 0) as total_orders,
        coalesce(sum(case when is_return = 'true' then order_count end), 0) as total_returns,
        substr(min(order_datetime), 1, 10) as first_order_date,
        substr(max(order_datetime), 1, 10) as last_order_date
    from ${gld}_${sub}.unified_transactions

),

known as (

    select sum(unified_transactions.revenue) as known_revenue
    from ${gld}_${sub}.unified_transactions
    inner join ${gld}_${sub}.unified_customers
        on unified_transactions.canonical_id = unified_customers.canonical_id
    where unified_customers.is_known = 'true'

),

people as (

    select
        count(*) as customers,
        count_if(total_orders > 0) as buyers,
        round(count_if(total_orders > 1) * 1e0 / nullif(count_if(total_orders > 0), 0), 4)
            as repeat_rate,
        round(avg(case when total_orders > 0 then lifetime_value end), 4) as avg_lifetime_value
    from ${gld}_${sub}.customer_attributes

),

final as (

    select
        -- money
        orders.total_revenue,
        orders.gross_revenue,
        orders.returns_amount,
        orders.avg_order_value,
        people.avg_lifetime_value,

        -- counts
        orders.total_orders,
        orders.total_returns,
        people.customers,
        people.buyers,

        -- rates, 0 to 1
        people.repeat_rate,
        round(coalesce(known.known_revenue, 0e0) / nullif(orders.total_revenue, 0e0), 4)
            as identified_revenue_share,

        -- dates, UTC
        orders.first_order_date,
        orders.last_order_date,
        ${session_unixtime} as built_for
    from orders
    cross join people
    cross join known

)

select * from final
