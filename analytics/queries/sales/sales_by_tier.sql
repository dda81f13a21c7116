-- Customers and their value by tier: one row per tier that anybody is in.
--
-- reads   golden customer_attributes     one row per person
--         golden unified_transactions    one row per order
-- writes  analytics sales_by_tier, replaced whole by wf07_analytics
-- money   in the shop's currency
-- counts  an order that several people share is counted once
-- nulls   avg_order_value is null for those who never bought

with

people as (

    select
        rfm_tier,
        count(*) as customers,
        round(sum(lifetime_value), 4) as lifetime_value,
        round(avg(lifetime_value), 4) as avg_lifetime_value,
        round(sum(predicted_value_365_days), 2) as predicted_value_365_days
    from ${gld}_${sub}.customer_attributes
    group by rfm_tier

),

purchases as (

    select
        customer_attributes.rfm_tier,
        sum(unified_transactions.order_count) as total_orders,
        round(sum(unified_transactions.amount), 4) / nullif(
            sum(
                case
                    when unified_transactions.amount is not null
                        then unified_transactions.order_count
                end
            ), 0
        ) as avg_order_value
    from ${gld}_${sub}.unified_transactions
    inner join ${gld}_${sub}.customer_attributes
        on unified_transactions.canonical_id = customer_attributes.canonical_id
    where unified_transactions.is_purchase = 'true'
    group by customer_attributes.rfm_tier

),

final as (

    select
        -- ids
        people.rfm_tier,

        -- counts
        people.customers,
        coalesce(purchases.total_orders, 0) as total_orders,

        -- money
        people.lifetime_value,
        people.avg_lifetime_value,
        round(purchases.avg_order_value, 4) as avg_order_value,
        people.predicted_value_365_days,
        ${session_unixtime} as built_for
    from people
    left join purchases on people.rfm_tier = purchases.rfm_tier

)

select * from final
