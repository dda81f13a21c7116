-- Everybody: one row per person, the master table of the parent segment.
--
-- reads   cdp_unification parent_table   one row per canonical id
-- writes  golden parent_table, replaced whole by wf06_golden
-- nulls   none

select
    ${unification_id} as canonical_id,
    ${unification_id},
    ${session_unixtime} as built_for
from ${unif}_${sub}.parent_table
