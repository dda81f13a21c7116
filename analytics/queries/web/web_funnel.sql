-- From the visit to the purchase: one row per step of the funnel, five in all.
--
-- reads   golden pageviews   one row per page view, with its visit
-- writes  analytics web_funnel, replaced whole by wf07_analytics
-- order   a step counts when it comes after the step before it, within one visit
-- rates   0 to 1, of all visits and of the visits at the step before
-- nulls   no visits: rates are null

with

views as (

    select
        web_session_id,
        trfmd_page_type as page_type,
        row_number() over (
            partition by web_session_id
            order by trfmd_time_unix, td_url, td_title, td_referrer
        ) as place
    from ${gld}_${sub}.pageviews
    where web_session_id is not null

),

visited as (

    select distinct web_session_id
    from views

),

saw_product as (

    select
        web_session_id,
        min(place) as place
    from views
    where page_type = 'product'
    group by web_session_id

),

saw_cart as (

    select
        views.web_session_id,
        min(views.place) as place
    from views
    inner join saw_product on views.web_session_id = saw_product.web_session_id
    where views.page_type = 'cart' and views.place > saw_product.place
    group by views.web_session_id

),

saw_checkout as (

    select
        views.web_session_id,
        min(views.place) as place
    from views
    inner join saw_cart on views.web_session_id = saw_cart.web_session_id
    where views.page_type = 'checkout' and views.place > saw_cart.place
    group by views.web_session_id

),

purchased as (

    select distinct views.web_session_id
    from views
    inner join saw_checkout on views.web_session_id = saw_checkout.web_session_id
    where views.page_type = 'confirmation' and views.place > saw_checkout.place

),

steps as (

    select
        1 as step,
        'Visit' as step_name,
        count(*) as sessions
    from visited
    union all
    select
        2 as step,
        'Product' as step_name,
        count(*) as sessions
    from saw_product
    union all
    select
        3 as step,
        'Cart' as step_name,
        count(*) as sessions
    from saw_cart
    union all
    select
        4 as step,
        'Checkout' as step_name,
        count(*) as sessions
    from saw_checkout
    union all
    select
        5 as step,
        'Purchase' as step_name,
        count(*) as sessions
    from purchased

),

final as (

    select
        -- ids
        step,
        step_name,

        -- counts
        sessions,
        coalesce(lag(sessions) over (order by step) - sessions, 0) as lost_sessions,

        -- rates, 0 to 1
        round(sessions * 1e0 / nullif(first_value(sessions) over (order by step), 0), 4)
            as share_of_visits,
        round(sessions * 1e0 / nullif(lag(sessions) over (order by step), 0), 4)
            as share_of_previous,
        ${session_unixtime} as built_for
    from steps

)

select * from final
