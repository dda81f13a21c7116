-- Shopify's customers: one row per customer.
--
-- reads   raw shopify_customer
-- writes  prp loyalty_profile, replaced whole by wf02_mapping

select
    customers.id,
    customers.email,
    customers.phone,
    customers.first_name,
    customers.last_name,
    customers.state,
    customers.created_at,
    customers.updated_at,
    customers.time,
    ${session_unixtime} as built_for
from ${raw}_${sub}.shopify_customer as customers
