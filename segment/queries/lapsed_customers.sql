-- Lapsed customers: one row per person who bought before, but not for 365 days.
--
-- reads   golden customer_attributes   one row per person
-- writes  analytics segment_lapsed_customers, replaced whole by wf09_create_segment
-- nulls   none; people without a dated purchase are not lapsed

select
    canonical_id,
    ${session_unixtime} as built_for
from ${gld}_${sub}.customer_attributes
where last_purchase_unix < ${session_unixtime} - 365 * 86400
