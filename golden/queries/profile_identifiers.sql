-- The identifiers by which a person is best reached: one row per person.
--
-- reads   cdp_unification profile_identifiers   master table of unification/unify.yml
-- writes  golden profile_identifiers, replaced whole by wf06_golden
-- nulls   no source knows the identifier

select
    -- ids
    ${unification_id} as canonical_id,
    ${unification_id},
    email,
    phone_number,
    td_client_id,
    device_id,
    adid,
    idfa,

    -- audit
    ${session_unixtime} as built_for
from ${unif}_${sub}.profile_identifiers
