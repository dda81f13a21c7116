-- Which visits led to orders: one row per source, medium and campaign of the last visit before.
--
-- reads   golden unified_transactions     one row per order
--         analytics web_sessions__next    one row per visit
-- writes  analytics web_attribution_last_touch, replaced whole by wf07_analytics
-- touch   the last visit of the same person that began before the order, at most 30 days before
-- money   in the shop's currency; online purchases, each in exactly one row: orders without such a
--         visit are "(none)"
-- nulls   the visit had no campaign: campaign is null

with

orders as (

    select
        *,
        row_number() over (
            order by
                order_unix asc, order_no asc, order_count desc, canonical_id asc, amount asc,
                promo_code asc
        ) as order_place
    from ${gld}_${sub}.unified_transactions
    where channel = 'online' and is_purchase = 'true'

),

touches as (

    select
        orders.order_place,
        web_sessions__next.source,
        web_sessions__next.medium,
        web_sessions__next.campaign,
        row_number() over (
            partition by orders.order_place
            order by web_sessions__next.started_unix desc, web_sessions__next.web_session_id desc
        ) as recency
    from orders
    inner join ${ana}_${sub}.web_sessions__next
        on
            orders.canonical_id = web_sessions__next.canonical_id
            and orders.order_unix >= web_sessions__next.started_unix
            and orders.order_unix < web_sessions__next.started_unix + 30 * 86400

),

attributed as (

    select
        orders.canonical_id,
        orders.order_count,
        orders.revenue,
        coalesce(touches.source, '(none)') as source,
        coalesce(touches.medium, '(none)') as medium,
        touches.campaign
    from orders
    left join touches on orders.order_place = touches.order_place and touches.recency = 1

),

final as (

    select
        -- ids
        source,
        medium,
        campaign,

        -- counts and money
        sum(order_count) as orders,
        count(distinct canonical_id) as customers,
        round(sum(revenue), 4) as revenue,
        round(round(sum(revenue), 4) / nullif(sum(order_count), 0), 4) as avg_order_value,
        round(sum(revenue) / nullif(sum(sum(revenue)) over (), 0e0), 4) as share_of_revenue,
        ${session_unixtime} as built_for
    from attributed
    group by source, medium, campaign

)

select * from final
