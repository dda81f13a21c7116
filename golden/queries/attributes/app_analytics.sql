-- What a person does in the app: one row per person with any app event.
--
-- reads   cdp_unification enriched_app_analytics   one row per event
-- writes  golden app_analytics_attributes, replaced whole by wf06_golden
-- points  a day with any event is worth 1; worth halves every 45 days
-- nulls   none

with

events as (

    select
        ${unification_id} as canonical_id,
        trfmd_event_time_unix as event_unix,
        trfmd_event_time_unix / 86400 as event_day,
        trfmd_event_type as event_type
    from ${unif}_${sub}.enriched_app_analytics
    where ${unification_id} is not null

),

days as (

    select
        canonical_id,
        event_day,
        count(*) as events,
        max(event_unix) as last_unix,
        power(
            5e-1,
            greatest(coalesce(${session_unixtime} / 86400 - event_day, 0), 0) / 45e0
        ) as points
    from events
    group by canonical_id, event_day

),

final as (

    select
        -- ids
        canonical_id,

        -- counts
        coalesce(sum(events), 0) as app_events,
        count(event_day) as app_days,

        -- points
        round(sum(points), 4) as app_points,

        -- times
        max(last_unix) as last_app_event_unix,
        ${session_unixtime} as built_for
    from days
    group by canonical_id

)

select * from final
