-- When each person was first seen and last changed: one row per person.
--
-- reads   golden unified_customers__next   one row per person
-- writes  golden customer_audit, replaced whole by wf06_golden; the next run reads it
-- nulls   none

select
    canonical_id,
    row_checksum,
    created_for,
    updated_for,
    ${session_unixtime} as built_for
from ${gld}_${sub}.unified_customers__next
