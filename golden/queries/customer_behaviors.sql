-- How a person behaves in the shop: one row per person, people who never did anything included.
--
-- reads   golden customer_attributes__next, engagement_metrics__next   one row per person
--         golden pageviews_attributes__next, app_analytics_attributes__next   those with events
-- writes  golden customer_behaviors, replaced whole by wf06_golden
-- pattern by purchases: a mean gap of at most 30 days is Frequent, of at most 90 Regular
-- nulls   no event of that kind: counts are 0, times null

select
    -- ids
    attributes.canonical_id,
    attributes.canonical_id as ${unification_id},

    -- web; views are pages, sessions are visits
    coalesce(web.web_sessions, 0) as web_sessions,
    coalesce(web.page_views, 0) as page_views,
    coalesce(web.product_views, 0) as product_views,
    coalesce(web.cart_views, 0) as cart_views,
    coalesce(web.checkout_views, 0) as checkout_views,
    coalesce(web.web_visits_last_7_days, 0) as web_visits_last_7_days,
    coalesce(web.web_visits_last_30_days, 0) as web_visits_last_30_days,
    web.first_web_visit_unix,
    web.last_web_visit_unix,
    web.last_cart_view_unix,
    case
        when web.last_cart_view_unix is null then 'false'
        when attributes.last_purchase_unix >= web.last_cart_view_unix then 'false'
        else 'true'
    end as has_abandoned_cart,

    -- app
    coalesce(app.app_events, 0) as app_events,
    coalesce(app.app_days, 0) as app_days,
    app.last_app_event_unix,

    -- messages
    engagement.email_sent,
    engagement.email_opens,
    engagement.email_clicks,
    engagement.sms_sent,
    engagement.sms_clicks,

    -- in words
    case
        when attributes.total_orders = 0 then 'Never Bought'
        when attributes.total_orders = 1 then 'One-Time'
        when attributes.avg_days_between_orders <= 30e0 then 'Frequent'
        when attributes.avg_days_between_orders <= 90e0 then 'Regular'
        else 'Occasional'
    end as purchase_pattern,
    engagement.engagement_level,
    ${session_unixtime} as built_for
from ${gld}_${sub}.customer_attributes__next as attributes
left join ${gld}_${sub}.engagement_metrics__next as engagement
    on attributes.canonical_id = engagement.canonical_id
left join ${gld}_${sub}.pageviews_attributes__next as web
    on attributes.canonical_id = web.canonical_id
left join ${gld}_${sub}.app_analytics_attributes__next as app
    on attributes.canonical_id = app.canonical_id
