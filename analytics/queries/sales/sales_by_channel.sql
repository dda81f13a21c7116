-- Sales by channel and month: one row per month and channel with any order.
--
-- reads   golden unified_transactions   one row per order
-- writes  analytics sales_by_channel, replaced whole by wf07_analytics
-- money   in the shop's currency, returns taken off
-- nulls   month is null for orders whose date could not be read

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
        channel,

        -- money
        round(sum(revenue), 4) as total_revenue,
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
        ${session_unixtime} as built_for
    from orders
    group by month, channel

)

select * from final
