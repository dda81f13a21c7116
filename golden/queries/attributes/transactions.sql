-- Purchase attributes: one row per person who ever ordered.
--
-- reads   golden unified_transactions__next   one row per order
-- writes  golden transactions_attributes, replaced whole by wf06_golden
-- money   lifetime_value = gross_revenue + returns_amount, which is negative; shop's currency
-- counts  purchases only: neither returns, exchanges nor cancelled orders
-- clock   days are counted back from the session, never from the wall clock
-- nulls   fewer than two purchases: no days between orders; never bought: no dates, no average

with

orders as (

    select
        *,
        -- parts of one order that one person bought are one order
        case
            when
                order_no is null
                or row_number() over (
                    partition by canonical_id, channel, order_no, is_purchase, is_return
                    order by amount desc nulls last, order_unix asc, promo_code asc
                ) = 1
                then 1
            else 0
        end as own_count
    from ${gld}_${sub}.unified_transactions__next
    where canonical_id is not null

),

purchases as (

    select *
    from orders
    where is_purchase = 'true'

),

money as (

    select
        canonical_id,
        round(sum(revenue), 4) as lifetime_value,
        round(sum(case when is_return = 'true' then 0e0 else revenue end), 4) as gross_revenue,
        round(sum(case when is_return = 'true' then revenue else 0e0 end), 4) as returns_amount,
        sum(case when is_return = 'true' then own_count else 0 end) as total_returns
    from orders
    group by canonical_id

),

counts as (

    select
        canonical_id,
        sum(own_count) as total_orders,
        sum(case when channel = 'online' then own_count else 0 end) as online_orders,
        sum(case when channel = 'store' then own_count else 0 end) as store_orders,
        sum(case when promo_code is not null then own_count else 0 end) as promo_orders,
        round(sum(amount), 4) / sum(case when amount is not null then own_count end)
            as avg_order_value,
        min(order_datetime) as first_purchase_date,
        max(order_datetime) as last_purchase_date,
        min(order_unix) as first_purchase_unix,
        max(order_unix) as last_purchase_unix,
        max(case when channel = 'store' then order_unix end) as last_store_purchase_unix,
        sum(
            case
                when
                    order_unix >= ${session_unixtime} - 30 * 86400
                    and order_unix < ${session_unixtime}
                    then own_count
                else 0
            end
        ) as purchases_last_30_days,
        sum(
            case
                when
                    order_unix >= ${session_unixtime} - 180 * 86400
                    and order_unix < ${session_unixtime}
                    then own_count
                else 0
            end
        ) as purchases_last_180_days,
        sum(
            case
                when
                    order_unix >= ${session_unixtime} - 365 * 86400
                    and order_unix < ${session_unixtime}
                    then own_count
                else 0
            end
        ) as purchases_last_365_days
    from purchases
    group by canonical_id

),

channels as (

    select
        canonical_id,
        channel,
        row_number() over (
            partition by canonical_id
            order by sum(own_count) desc, sum(revenue) desc, channel
        ) as place
    from purchases
    group by canonical_id, channel

),

seasons as (

    select
        canonical_id,
        season,
        row_number() over (
            partition by canonical_id
            order by sum(own_count) desc, sum(revenue) desc, season
        ) as place
    from purchases
    where season is not null
    group by canonical_id, season

),

final as (

    select
        -- ids
        money.canonical_id,

        -- money
        money.lifetime_value,
        money.gross_revenue,
        money.returns_amount,
        round(counts.avg_order_value, 4) as avg_order_value,

        -- counts
        coalesce(counts.total_orders, 0) as total_orders,
        money.total_returns,
        coalesce(counts.online_orders, 0) as online_orders,
        coalesce(counts.store_orders, 0) as store_orders,
        coalesce(counts.promo_orders, 0) as promo_orders,
        coalesce(counts.purchases_last_30_days, 0) as purchases_last_30_days,
        coalesce(counts.purchases_last_180_days, 0) as purchases_last_180_days,
        coalesce(counts.purchases_last_365_days, 0) as purchases_last_365_days,

        -- dates, UTC
        counts.first_purchase_date,
        counts.last_purchase_date,
        counts.first_purchase_unix,
        counts.last_purchase_unix,
        counts.last_store_purchase_unix,
        greatest((${session_unixtime} - counts.last_purchase_unix) / 86400, 0)
            as days_since_last_purchase,
        greatest((${session_unixtime} - counts.first_purchase_unix) / 86400, 0) as tenure_days,
        case
            when counts.total_orders >= 2
                then round(
                    (counts.last_purchase_unix - counts.first_purchase_unix)
                    / 86400e0 / (counts.total_orders - 1), 4
                )
        end as avg_days_between_orders,

        -- preferences
        channels.channel as preferred_channel,
        seasons.season as preferred_season,
        ${session_unixtime} as built_for
    from money
    left join counts on money.canonical_id = counts.canonical_id
    left join channels on money.canonical_id = channels.canonical_id and channels.place = 1
    left join seasons on money.canonical_id = seasons.canonical_id and seasons.place = 1

)

select * from final
