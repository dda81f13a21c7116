-- How likely a buyer is to buy again, by a formula anybody can check: one row per buyer.
--
-- reads   golden transactions_attributes__next   one row per person who ordered
-- writes  golden propensity_attributes, replaced whole by wf06_golden
-- rate    orders a day = (own orders + the shop's mean) / (own days + the shop's mean): few orders
--         lean on the shop, many on the person (a gamma-Poisson mean, prior of one customer)
-- alive   1 up to the person's usual gap between orders, then halving with every further gap
-- nulls   none

with

buyers as (

    select
        canonical_id,
        total_orders,
        coalesce(avg_order_value, 0e0) as avg_order_value,
        coalesce(tenure_days, 0) + 1e0 as own_days,
        coalesce(days_since_last_purchase, 0) * 1e0 as quiet_days,
        avg_days_between_orders
    from ${gld}_${sub}.transactions_attributes__next
    where total_orders > 0

),

shop as (

    select
        avg(total_orders * 1e0) as mean_orders,
        avg(own_days) as mean_days,
        coalesce(avg(greatest(avg_days_between_orders, 1e0)), 90e0) as mean_gap
    from buyers

),

expected as (

    select
        buyers.*,
        (buyers.total_orders + shop.mean_orders) / (buyers.own_days + shop.mean_days)
            as orders_a_day,
        greatest(coalesce(buyers.avg_days_between_orders, shop.mean_gap), 1e0) as usual_gap
    from buyers
    cross join shop

),

alive as (

    select
        *,
        quiet_days / usual_gap as gaps_since_last_purchase,
        power(5e-1, greatest(quiet_days / usual_gap - 1e0, 0e0)) as chance_alive
    from expected

),

final as (

    select
        -- ids
        canonical_id,

        -- forecast
        round(orders_a_day * 90e0 * chance_alive, 4) as predicted_orders_90_days,
        round(1e0 - exp(-orders_a_day * 90e0 * chance_alive), 4) as propensity_score,
        round(orders_a_day * 365e0 * chance_alive * avg_order_value, 2)
            as predicted_value_365_days,

        -- churn
        round(gaps_since_last_purchase, 4) as gaps_since_last_purchase,
        case
            when gaps_since_last_purchase <= 1e0 then 'Low'
            when gaps_since_last_purchase <= 2e0 then 'Medium'
            else 'High'
        end as churn_risk,
        ${session_unixtime} as built_for
    from alive

)

select * from final
