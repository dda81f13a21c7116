-- How likely a buyer is to buy again, by a formula anybody can check: one row per buyer.
--
-- reads   golden transactions_attributes__next   one row per person who ordered
-- writes  golden propensity_attributes, replaced whole by wf06_golden
-- rate    repeat orders a day = (own repeats + the shop's mean) / (own days + the shop's mean): few
--         orders lean on the shop, many on the person (a gamma-Poisson mean, prior of one customer)
-- gap     the person's usual gap between orders, leaning on the shop's in the same way
-- active  chance to be still a customer: near 1 at first, a half after four usual gaps of silence
-- tested  tests/golden/test_forecast.py, against what people then bought
-- nulls   none

with

buyers as (

    select
        canonical_id,
        total_orders - 1e0 as repeat_orders,
        coalesce(avg_order_value, 0e0) as avg_order_value,
        coalesce(tenure_days, 0) * 1e0 as own_days,
        coalesce(days_since_last_purchase, 0) * 1e0 as quiet_days,
        avg_days_between_orders
    from ${gld}_${sub}.transactions_attributes__next
    where total_orders > 0

),

shop as (

    select
        avg(repeat_orders) as mean_repeat_orders,
        avg(own_days) as mean_days,
        coalesce(avg(greatest(avg_days_between_orders, 1e0)), 90e0) as mean_gap
    from buyers

),

expected as (

    select
        buyers.*,
        (buyers.repeat_orders + shop.mean_repeat_orders)
        / greatest(buyers.own_days + shop.mean_days, 1e0) as orders_a_day,
        greatest(
            (greatest(buyers.own_days - buyers.quiet_days, 0e0) + shop.mean_gap)
            / (buyers.repeat_orders + 1e0), 1e0
        ) as usual_gap
    from buyers
    cross join shop

),

active as (

    select
        *,
        quiet_days / usual_gap as gaps_since_last_purchase,
        1e0 / (1e0 + power(quiet_days / usual_gap / 4e0, 2e0)) as chance_active
    from expected

),

final as (

    select
        -- ids
        canonical_id,

        -- forecast
        round(orders_a_day * 90e0 * chance_active, 4) as predicted_orders_90_days,
        round(1e0 - exp(-orders_a_day * 90e0 * chance_active), 4) as propensity_score,
        round(orders_a_day * 365e0 * chance_active * avg_order_value, 2)
            as predicted_value_365_days,

        -- churn
        round(gaps_since_last_purchase, 4) as gaps_since_last_purchase,
        round(chance_active, 4) as chance_active,
        case
            when chance_active >= 8e-1 then 'Low'
            when chance_active >= 5e-1 then 'Medium'
            else 'High'
        end as churn_risk,
        ${session_unixtime} as built_for
    from active

)

select * from final
