-- How a person deals with what the shop sends and shows: one row per person.
--
-- reads   golden unified_customers__next   one row per person
--         golden consents__next            latest answer per id and kind of message
--         golden email_activity_attributes__next, sms_activity_attributes__next,
--         pageviews_attributes__next, app_analytics_attributes__next,
--         survey_responses_attributes__next   one row per person with such events
-- writes  golden engagement_metrics, replaced whole by wf06_golden
-- score   the sum of the channels' points, at least 0; 4 and more is High, 1 and more Medium
-- may be  marketable: consent is True, and no opt-out, spam report or bounce came after it
-- nulls   no event of that kind: counts are 0, rates and times null

with

consent_times as (

    select
        canonical_id,
        max(case when lower(consent_type) = 'email' then consented_unix end) as email_unix,
        max(case when lower(consent_type) = 'sms' then consented_unix end) as sms_unix
    from ${gld}_${sub}.consents__next
    where consent_flag = 'True' and canonical_id is not null
    group by canonical_id

),

scored as (

    select
        people.canonical_id,
        round(greatest(
            coalesce(mail.email_points, 0e0)
            + coalesce(texts.sms_points, 0e0)
            + coalesce(web.web_points, 0e0)
            + coalesce(app.app_points, 0e0), 0e0
        ), 4) as engagement_score,
        case
            when people.email is null or coalesce(people.email_consent, '') <> 'True' then 'false'
            when mail.last_email_optout_unix >= coalesce(consent_times.email_unix, 0) then 'false'
            when mail.last_email_bounce_unix >= coalesce(consent_times.email_unix, 0) then 'false'
            else 'true'
        end as is_email_marketable,
        case
            when people.phone_number is null or coalesce(people.sms_consent, '') <> 'True'
                then 'false'
            when texts.last_sms_optout_unix >= coalesce(consent_times.sms_unix, 0) then 'false'
            else 'true'
        end as is_sms_marketable
    from ${gld}_${sub}.unified_customers__next as people
    left join consent_times on people.canonical_id = consent_times.canonical_id
    left join ${gld}_${sub}.email_activity_attributes__next as mail
        on people.canonical_id = mail.canonical_id
    left join ${gld}_${sub}.sms_activity_attributes__next as texts
        on people.canonical_id = texts.canonical_id
    left join ${gld}_${sub}.pageviews_attributes__next as web
        on people.canonical_id = web.canonical_id
    left join ${gld}_${sub}.app_analytics_attributes__next as app
        on people.canonical_id = app.canonical_id

),

final as (

    select
        -- ids
        scored.canonical_id,
        scored.canonical_id as ${unification_id},

        -- e-mail
        coalesce(mail.email_sent, 0) as email_sent,
        coalesce(mail.email_opens, 0) as email_opens,
        coalesce(mail.email_clicks, 0) as email_clicks,
        coalesce(mail.email_unsubscribes, 0) as email_unsubscribes,
        coalesce(mail.email_bounces, 0) as email_bounces,
        coalesce(mail.email_spam_reports, 0) as email_spam_reports,
        mail.email_open_rate,
        mail.email_click_rate,
        mail.last_email_sent_unix,
        mail.last_email_open_unix,
        mail.last_email_click_unix,
        mail.last_email_optout_unix,

        -- text messages
        coalesce(texts.sms_sent, 0) as sms_sent,
        coalesce(texts.sms_clicks, 0) as sms_clicks,
        coalesce(texts.sms_replies, 0) as sms_replies,
        coalesce(texts.sms_optouts, 0) as sms_optouts,
        texts.sms_click_rate,
        texts.last_sms_unix,
        texts.last_sms_click_unix,

        -- web and app
        coalesce(web.web_sessions, 0) as web_sessions,
        coalesce(web.page_views, 0) as page_views,
        web.last_web_visit_unix,
        coalesce(app.app_events, 0) as app_events,
        app.last_app_event_unix,

        -- surveys
        coalesce(survey.survey_responses, 0) as survey_responses,
        survey.avg_survey_score,
        survey.last_survey_score,
        survey.last_survey_unix,

        -- in all
        scored.is_email_marketable,
        scored.is_sms_marketable,
        scored.engagement_score,
        case
            when scored.engagement_score >= 4e0 then 'High'
            when scored.engagement_score >= 1e0 then 'Medium'
            when scored.engagement_score > 0e0 then 'Low'
            else 'None'
        end as engagement_level,
        ${session_unixtime} as built_for
    from scored
    left join ${gld}_${sub}.email_activity_attributes__next as mail
        on scored.canonical_id = mail.canonical_id
    left join ${gld}_${sub}.sms_activity_attributes__next as texts
        on scored.canonical_id = texts.canonical_id
    left join ${gld}_${sub}.pageviews_attributes__next as web
        on scored.canonical_id = web.canonical_id
    left join ${gld}_${sub}.app_analytics_attributes__next as app
        on scored.canonical_id = app.canonical_id
    left join ${gld}_${sub}.survey_responses_attributes__next as survey
        on scored.canonical_id = survey.canonical_id

)

select * from final
