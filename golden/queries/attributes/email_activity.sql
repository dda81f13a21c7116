-- What a person does with e-mails: one row per person with any e-mail event.
--
-- reads   cdp_unification enriched_email_activity   one row per event
-- writes  golden email_activity_attributes, replaced whole by wf06_golden
-- points  an open is worth 2, a click 3, an unsubscribe or a spam report -5; worth halves every
--         45 days before the session
-- rates   of what was sent (delivered, where the sender tells no sending); 0 to 1
-- nulls   nothing was sent: rates are null; no event of that kind: its time is null

with

events as (

    select
        ${unification_id} as canonical_id,
        trfmd_campaign_name as campaign_name,
        trfmd_activity_date_unix as event_unix,
        case
            when trfmd_activity_type like '%unsub%' then 'unsubscribe'
            when trfmd_activity_type like '%spam%' then 'spam'
            when trfmd_activity_type like '%bounce%' then 'bounce'
            when trfmd_activity_type like '%click%' then 'click'
            when trfmd_activity_type like '%open%' then 'open'
            when trfmd_activity_type like '%deliver%' then 'delivered'
            when trfmd_activity_type like '%receive%' then 'delivered'
            when trfmd_activity_type like '%sen%' then 'sent'
        end as kind
    from ${unif}_${sub}.enriched_email_activity
    where ${unification_id} is not null

),

weighed as (

    select
        *,
        case kind
            when 'open' then 2e0
            when 'click' then 3e0
            when 'unsubscribe' then -5e0
            when 'spam' then -5e0
            else 0e0
        end
        * power(
            5e-1, greatest(coalesce(${session_unixtime} - event_unix, 0), 0) / 86400e0 / 45e0
        ) as points
    from events

),

counts as (

    select
        canonical_id,
        count_if(kind = 'sent') as sent,
        count_if(kind = 'delivered') as delivered,
        count_if(kind = 'open') as opens,
        count_if(kind = 'click') as clicks,
        count_if(kind = 'unsubscribe') as unsubscribes,
        count_if(kind = 'bounce') as bounces,
        count_if(kind = 'spam') as spam_reports,
        count(distinct campaign_name) as campaigns,
        sum(points) as points,
        max(case when kind in ('sent', 'delivered') then event_unix end) as last_sent_unix,
        max(case when kind = 'open' then event_unix end) as last_open_unix,
        max(case when kind = 'click' then event_unix end) as last_click_unix,
        max(case when kind in ('unsubscribe', 'spam') then event_unix end) as last_optout_unix,
        max(case when kind = 'bounce' then event_unix end) as last_bounce_unix
    from weighed
    group by canonical_id

),

final as (

    select
        -- ids
        canonical_id,

        -- counts
        greatest(sent, delivered) as email_sent,
        opens as email_opens,
        clicks as email_clicks,
        unsubscribes as email_unsubscribes,
        bounces as email_bounces,
        spam_reports as email_spam_reports,
        campaigns as email_campaigns,

        -- rates, 0 to 1
        round(opens * 1e0 / nullif(greatest(sent, delivered), 0), 4) as email_open_rate,
        round(clicks * 1e0 / nullif(greatest(sent, delivered), 0), 4) as email_click_rate,

        -- points
        round(points, 4) as email_points,

        -- times
        last_sent_unix as last_email_sent_unix,
        last_open_unix as last_email_open_unix,
        last_click_unix as last_email_click_unix,
        last_optout_unix as last_email_optout_unix,
        last_bounce_unix as last_email_bounce_unix,
        ${session_unixtime} as built_for
    from counts

)

select * from final
