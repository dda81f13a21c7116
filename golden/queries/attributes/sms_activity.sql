-- What a person does with text messages: one row per person with any such event.
--
-- reads   cdp_unification enriched_sms_activity   one row per event
-- writes  golden sms_activity_attributes, replaced whole by wf06_golden
-- points  a click or a reply is worth 3, an opt-out -5; worth halves every 45 days
-- nulls   nothing was sent: the rate is null; no event of that kind: its time is null

with

events as (

    select
        ${unification_id} as canonical_id,
        trfmd_message_date_unix as event_unix,
        case
            when replace(replace(trfmd_activity_type, '_', ''), '-', '') like '%optout%'
                then 'optout'
            when trfmd_activity_type like '%unsub%' then 'optout'
            when trfmd_activity_type like '%click%' then 'click'
            when trfmd_activity_type like '%reply%' then 'reply'
            when trfmd_activity_type like '%inbound%' then 'reply'
            when trfmd_activity_type like '%deliver%' then 'delivered'
            when trfmd_activity_type like '%sent%' then 'sent'
        end as kind
    from ${unif}_${sub}.enriched_sms_activity
    where ${unification_id} is not null

),

weighed as (

    select
        *,
        case kind
            when 'click' then 3e0
            when 'reply' then 3e0
            when 'optout' then -5e0
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
        greatest(count_if(kind = 'sent'), count_if(kind = 'delivered')) as sent,
        count_if(kind = 'click') as clicks,
        count_if(kind = 'reply') as replies,
        count_if(kind = 'optout') as optouts,
        sum(points) as points,
        max(event_unix) as last_unix,
        max(case when kind = 'click' then event_unix end) as last_click_unix,
        max(case when kind = 'optout' then event_unix end) as last_optout_unix
    from weighed
    group by canonical_id

),

final as (

    select
        -- ids
        canonical_id,

        -- counts
        sent as sms_sent,
        clicks as sms_clicks,
        replies as sms_replies,
        optouts as sms_optouts,

        -- rate, 0 to 1
        round(clicks * 1e0 / nullif(sent, 0), 4) as sms_click_rate,

        -- points
        round(points, 4) as sms_points,

        -- times
        last_unix as last_sms_unix,
        last_click_unix as last_sms_click_unix,
        last_optout_unix as last_sms_optout_unix,
        ${session_unixtime} as built_for
    from counts

)

select * from final
