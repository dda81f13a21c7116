-- What is worked out about a person's buying: one row per person, people without orders included.
--
-- reads   golden unified_customers__next             one row per person
--         golden transactions_attributes__next, order_details_attributes__next,
--         rfm_attributes__next, propensity_attributes__next   one row per person who ordered
-- writes  golden customer_attributes, replaced whole by wf06_golden
-- money   lifetime_value = gross_revenue + returns_amount, which is negative; shop's currency
-- nulls   never bought: money and counts are 0; dates, averages, scores and preferences are null

select
    -- ids
    people.canonical_id,
    people.canonical_id as ${unification_id},

    -- money
    coalesce(orders.lifetime_value, 0e0) as lifetime_value,
    coalesce(orders.gross_revenue, 0e0) as gross_revenue,
    coalesce(orders.returns_amount, 0e0) as returns_amount,
    orders.avg_order_value,

    -- counts
    coalesce(orders.total_orders, 0) as total_orders,
    coalesce(orders.total_returns, 0) as total_returns,
    coalesce(orders.online_orders, 0) as online_orders,
    coalesce(orders.store_orders, 0) as store_orders,
    coalesce(orders.promo_orders, 0) as promo_orders,
    coalesce(orders.purchases_last_30_days, 0) as purchases_last_30_days,
    coalesce(orders.purchases_last_180_days, 0) as purchases_last_180_days,
    coalesce(orders.purchases_last_365_days, 0) as purchases_last_365_days,

    -- dates, UTC
    orders.first_purchase_date,
    orders.last_purchase_date,
    orders.first_purchase_unix,
    orders.last_purchase_unix,
    orders.last_store_purchase_unix,
    orders.days_since_last_purchase,
    orders.tenure_days,
    orders.avg_days_between_orders,

    -- recency, frequency, money
    rfm.rfm_recency,
    rfm.rfm_frequency,
    rfm.rfm_monetary,
    rfm.rfm_score,
    coalesce(rfm.rfm_tier, 'Never Bought') as rfm_tier,

    -- preferences
    orders.preferred_channel,
    orders.preferred_season,
    liked.preferred_department,
    liked.preferred_department_share,
    liked.departments,
    coalesce(liked.distinct_departments, 0) as distinct_departments,
    coalesce(liked.distinct_products, 0) as distinct_products,
    coalesce(liked.total_units, 0) as total_units,

    -- forecast
    coalesce(forecast.propensity_score, 0e0) as propensity_score,
    coalesce(forecast.predicted_orders_90_days, 0e0) as predicted_orders_90_days,
    coalesce(forecast.predicted_value_365_days, 0e0) as predicted_value_365_days,
    forecast.chance_active,
    forecast.churn_risk,

    -- audit
    ${session_unixtime} as built_for
from ${gld}_${sub}.unified_customers__next as people
left join ${gld}_${sub}.transactions_attributes__next as orders
    on people.canonical_id = orders.canonical_id
left join ${gld}_${sub}.order_details_attributes__next as liked
    on people.canonical_id = liked.canonical_id
left join ${gld}_${sub}.rfm_attributes__next as rfm
    on people.canonical_id = rfm.canonical_id
left join ${gld}_${sub}.propensity_attributes__next as forecast
    on people.canonical_id = forecast.canonical_id
