-- Survey answers, cleaned: one row per answer.
--
-- reads   source survey_responses   one row per source record
--         staging *_standard, words   what each raw value means
-- writes  staging survey_responses, replaced whole by wf04_stage
-- nulls   a trfmd_ column is null when the raw value says nothing

select
    -- as the source sent it
    answers.survey_id,
    answers.respondent_id,
    answers.question_id,
    answers.question_text,
    answers.answer,
    answers.answer_numeric,
    answers.submitted_at,
    answers.customer_id,
    answers.email,
    answers.phone_number,
    answers.time,

    -- ids
    emails.trfmd_email,
    emails.valid_email_flag,
    phones.trfmd_phone_number,
    case
        when placeholders.word is null
            then
                regexp_replace(
                    upper(nullif(trim(answers.customer_id), '')), '^([0-9]+)[.]0+$', '$1'
                )
    end as trfmd_customer_id,

    -- when, UTC
    replace(
        td_time_format(
            coalesce(td_time_parse(answers.submitted_at, 'UTC'), dates.trfmd_unix),
            'yyyy-MM-dd HH:mm:ss', 'UTC'
        ), ' ', 'T'
    ) || 'Z' as trfmd_submitted_at,
    coalesce(td_time_parse(answers.submitted_at, 'UTC'), dates.trfmd_unix)
        as trfmd_submitted_at_unix,

    ${session_unixtime} as built_for
from ${src}_${sub}.survey_responses as answers
left join ${stg}_${sub}.emails_standard__next as emails on answers.email = emails.email
left join ${stg}_${sub}.phones_standard__next as phones
    on answers.phone_number = phones.phone_number and phones.country = ''
left join ${stg}_${sub}.dates_standard__next as dates
    on dates.source = 'survey_responses' and answers.submitted_at = dates.value
left join ${stg}_${sub}.words__next as placeholders
    on
        placeholders.kind in ('placeholder', 'placeholder_id')
        and lower(trim(answers.customer_id)) = placeholders.word
