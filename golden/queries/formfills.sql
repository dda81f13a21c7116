-- Formfills with the person who did it: one row per form sent.
--
-- reads   cdp_unification enriched_formfills   staged rows plus the person's id
-- writes  golden formfills, replaced whole by wf06_golden
-- nulls   no person is known for the row: canonical_id is null

select
    -- ids
    ${unification_id} as canonical_id,
    ${unification_id},

    -- as the source sent it
    email,
    phone_number,
    td_global_id,
    td_client_id,
    form_type,

    -- as staging cleaned it
    trfmd_email,
    valid_email_flag,
    trfmd_phone_number,
    trfmd_form_type,
    trfmd_td_client_id,
    trfmd_td_global_id,

    -- times
    time,
    ${session_unixtime} as built_for
from ${unif}_${sub}.enriched_formfills
