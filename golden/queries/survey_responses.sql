-- Survey responses with the person who did it: one row per answer.
--
-- reads   cdp_unification enriched_survey_responses   staged rows plus the person's id
-- writes  golden survey_responses, replaced whole by wf06_golden
-- nulls   no person is known for the row: canonical_id is null

select
    -- ids
    ${unification_id} as canonical_id,
    ${unification_id},

    -- as the source sent it
    survey_id,
    respondent_id,
    question_id,
    question_text,
    answer,
    answer_numeric,
    submitted_at,
    customer_id,
    email,
    phone_number,

    -- as staging cleaned it
    trfmd_customer_id,
    trfmd_email,
    valid_email_flag,
    trfmd_phone_number,
    trfmd_submitted_at,
    trfmd_submitted_at_unix,

    -- times
    time,
    ${session_unixtime} as built_for
from ${unif}_${sub}.enriched_survey_responses
