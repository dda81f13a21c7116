-- Everybody: one row per person.
--
-- reads   cdp_unification <unification_id>_lookup   one row per identifier
-- writes  cdp_unification parent_table, replaced whole by wf05_unify
-- nulls   none

select
    canonical_id as ${unification_id},
    ${session_unixtime} as built_for
from ${unif}_${sub}.${unification_id}_lookup${built}
group by canonical_id
