-- Shopify's customers: one row per customer.
--
-- reads   raw shopify_customer
-- writes  prp loyalty_profile, replaced whole by wf02_mapping

select
    customers.*,
    ${session_unixtime} as built_for
from ${raw}_${sub}.shopify_customer as customers
