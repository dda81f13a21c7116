-- Sales by month: one row per calendar month (UTC) with any order.
--
-- reads   golden unified_transactions   one row per order
-- writes  analytics sales_trends, replaced whole by wf07_analytics
-- money   in the shop's currency; total_revenue = gross_revenue + returns_amount (negative)
-- counts  orders are purchases; returns are counted apart; cancelled orders are neither
-- nulls   month is null for orders whose date could not be read: their money is not lost

with

orders as (

    select
        *,
        substr(order_datetime, 1, 7) || '-01' as month
    from ${gld}_${sub}.unified_transactions

),

final as (

    select
        -- ids
        month,

        -- money
        round(sum(revenue), 4) as total_revenue,
        round(sum(case when is_return = 'true' then 0e0 else revenue end), 4) as gross_revenue,
        round(sum(case when is_return = 'true' then revenue else 0e0 end), 4) as returns_amount,
        round(
            round(sum(case when is_purchase = 'true' then amount end), 4)
            / nullif(
                sum(case when is_purchase = 'true' and amount is not null then order_count end), 0
            ), 4
        ) as avg_order_value,

        -- counts
        count(distinct canonical_id) as unique_customers,
        coalesce(sum(case when is_purchase = 'true' then order_count end), 0) as total_orders,
        coalesce(sum(case when is_return = 'true' then order_count end), 0) as total_returns,
        coalesce(sum(case when is_purchase = 'true' then units end), 0) as units,
        ${session_unixtime} as built_for
    from orders
    group by month

)

select * from final
