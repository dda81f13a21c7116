-- Every identifier and whose it is: one row per identifier.
--
-- reads   cdp_unification <unification_id>_lookup   one row per identifier
--         cdp_unification <unification_id>_keys     what its id_key_type means
-- writes  cdp_unification unified_identities, replaced whole by wf05_unify
-- nulls   none

select
    lookup.canonical_id,
    lookup.canonical_id as ${unification_id},
    names.key_name,
    lookup.id,
    lookup.id_first_seen_at,
    lookup.id_last_seen_at,
    lookup.canonical_id_first_seen_at,
    lookup.canonical_id_last_seen_at,
    ${session_unixtime} as built_for
from ${unif}_${sub}.${unification_id}_lookup${built} as lookup
inner join ${unif}_${sub}.${unification_id}_keys${built} as names
    on lookup.id_key_type = names.key_type
