-- What a person answered in surveys: one row per person with any answer.
--
-- reads   cdp_unification enriched_survey_responses   one row per answer
-- writes  golden survey_responses_attributes, replaced whole by wf06_golden
-- nulls   no answer holds a number: scores are null

with

answers as (

    select
        ${unification_id} as canonical_id,
        answer_numeric,
        trfmd_submitted_at,
        trfmd_submitted_at_unix,
        row_number() over (
            partition by ${unification_id}
            order by
                trfmd_submitted_at_unix desc, survey_id asc, respondent_id asc, question_id asc,
                answer asc
        ) as place
    from ${unif}_${sub}.enriched_survey_responses
    where ${unification_id} is not null

),

final as (

    select
        -- ids
        canonical_id,

        -- counts and scores
        count(*) as survey_responses,
        round(avg(answer_numeric), 4) as avg_survey_score,
        min_by(answer_numeric, place) filter (where answer_numeric is not null)
            as last_survey_score,

        -- times
        max(trfmd_submitted_at) as last_survey_date,
        max(trfmd_submitted_at_unix) as last_survey_unix,
        ${session_unixtime} as built_for
    from answers
    group by canonical_id

)

select * from final
