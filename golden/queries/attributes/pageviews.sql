-- What a person does on the web site: one row per person with any page view.
--
-- reads   golden pageviews__next   one row per page view, with its visit
-- writes  golden pageviews_attributes, replaced whole by wf06_golden
-- visits  a visit counts once however many pages it has; the last 7 days end at the session
-- points  a visit is worth 1, one that reached cart or checkout 3; worth halves every 45 days
-- nulls   none

with

visits as (

    select
        canonical_id,
        web_session_id,
        min(trfmd_time_unix) as started_unix,
        max(trfmd_time_unix) as ended_unix,
        count(*) as page_views,
        count_if(trfmd_page_type = 'product') as product_views,
        count_if(trfmd_page_type = 'cart') as cart_views,
        count_if(trfmd_page_type = 'checkout') as checkout_views
    from ${gld}_${sub}.pageviews__next
    where canonical_id is not null
    group by canonical_id, web_session_id

),

weighed as (

    select
        *,
        case when cart_views + checkout_views > 0 then 3e0 else 1e0 end
        * power(
            5e-1, greatest(coalesce(${session_unixtime} - started_unix, 0), 0) / 86400e0 / 45e0
        ) as points
    from visits

),

final as (

    select
        -- ids
        canonical_id,

        -- counts
        count(web_session_id) as web_sessions,
        coalesce(sum(page_views), 0) as page_views,
        coalesce(sum(product_views), 0) as product_views,
        coalesce(sum(cart_views), 0) as cart_views,
        coalesce(sum(checkout_views), 0) as checkout_views,
        count_if(
            started_unix >= ${session_unixtime} - 7 * 86400 and started_unix < ${session_unixtime}
        ) as web_visits_last_7_days,
        count_if(
            started_unix >= ${session_unixtime} - 30 * 86400
            and started_unix < ${session_unixtime}
        ) as web_visits_last_30_days,

        -- points
        round(sum(points), 4) as web_points,

        -- times
        min(started_unix) as first_web_visit_unix,
        max(ended_unix) as last_web_visit_unix,
        max(case when cart_views > 0 then ended_unix end) as last_cart_view_unix,
        ${session_unixtime} as built_for
    from weighed
    group by canonical_id

)

select * from final
