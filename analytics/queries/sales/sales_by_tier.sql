-- Customers and their value by tier: one row per tier that anybody is in.
--
-- reads   golden customer_attributes   one row per person
-- writes  analytics sales_by_tier, replaced whole by wf07_analytics
-- money   in the shop's currency
-- nulls   avg_order_value is null for those who never bought

select
    -- ids
    rfm_tier,

    -- counts
    count(*) as customers,
    sum(total_orders) as total_orders,

    -- money
    round(sum(lifetime_value), 4) as lifetime_value,
    round(avg(lifetime_value), 4) as avg_lifetime_value,
    round(avg(avg_order_value), 4) as avg_order_value,
    round(sum(predicted_value_365_days), 2) as predicted_value_365_days,
    ${session_unixtime} as built_for
from ${gld}_${sub}.customer_attributes
group by rfm_tier
