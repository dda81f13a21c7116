-- Where a person lives, as far as any source knows: one row per person.
--
-- reads   cdp_unification profile_geography   master table of unification/unify.yml
-- writes  golden profile_geography, replaced whole by wf06_golden
-- nulls   no source knows that part of the address

select
    -- ids
    ${unification_id} as canonical_id,
    ${unification_id},

    -- address
    address,
    city,
    state,
    postal_code,
    country,

    -- audit
    ${session_unixtime} as built_for
from ${unif}_${sub}.profile_geography
