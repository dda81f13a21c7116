-- New customers: one row per person whose first purchase is at most 30 days old.
--
-- reads   golden customer_attributes   one row per person
-- writes  analytics segment_new_customers, replaced whole by wf09_create_segment
-- nulls   none; people without a dated purchase are not new

select
    canonical_id,
    ${session_unixtime} as built_for
from ${gld}_${sub}.customer_attributes
where
    first_purchase_unix >= ${session_unixtime} - 30 * 86400
    and first_purchase_unix < ${session_unixtime}
