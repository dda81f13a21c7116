-- Orders of both channels in one shape: one row per staged order.
--
-- reads   cdp_unification enriched_order_digital_transactions   one row per online order
--         cdp_unification enriched_order_offline_transactions   one row per store order
--         golden transaction_history__next                      one row per order line
-- writes  golden unified_transactions, replaced whole by wf06_golden
-- money   in the shop's currency; returns are negative, as in the source. `revenue` is the amount,
--         but 0 for a cancelled order or an unknown amount: its sum is the shop's revenue
-- time    of the order, so that behaviours go by it; of the session where the order has none
-- nulls   nobody is known: canonical_id is null; no lines: lines, units and lines_amount are 0
-- keeps   every staged order exactly once

with

online_orders as (

    select
        ${unification_id} as canonical_id,
        order_no,
        'online' as channel,
        trfmd_order_transaction_type as transaction_type,
        trfmd_payment_method as payment_method,
        trfmd_promo_code as promo_code,
        location_id,
        trfmd_season as season,
        amount,
        discount_amount,
        net_amount,
        trfmd_order_datetime as order_datetime,
        trfmd_order_datetime_unix as order_unix
    from ${unif}_${sub}.enriched_order_digital_transactions

),

store_orders as (

    select
        ${unification_id} as canonical_id,
        order_no,
        'store' as channel,
        trfmd_order_transaction_type as transaction_type,
        trfmd_payment_method as payment_method,
        trfmd_promo_code as promo_code,
        location_id,
        trfmd_season as season,
        amount,
        discount_amount,
        net_amount,
        trfmd_order_datetime as order_datetime,
        trfmd_order_datetime_unix as order_unix
    from ${unif}_${sub}.enriched_order_offline_transactions

),

orders as (

    select * from online_orders
    union all
    select * from store_orders

),

lines_by_order as (

    select
        channel,
        order_no,
        count(*) as lines,
        sum(quantity) as units,
        round(sum(net_price), 4) as lines_amount
    from ${gld}_${sub}.transaction_history__next
    where channel is not null
    group by channel, order_no

),

judged as (

    select
        *,
        coalesce(lower(transaction_type) like 'cancel%', false) as was_cancelled,
        coalesce(
            lower(transaction_type) like 'return%'
            or lower(transaction_type) like 'refund%'
            or amount < 0, false
        ) as was_returned,
        coalesce(lower(transaction_type) like 'exchange%', false) as was_exchanged
    from orders

),

final as (

    select
        -- ids
        judged.canonical_id,
        judged.order_no,
        judged.channel,
        judged.location_id,

        -- what kind of order
        judged.transaction_type,
        case
            when judged.was_cancelled or judged.was_returned or judged.was_exchanged then 'false'
            else 'true'
        end as is_purchase,
        case
            when judged.was_returned and not judged.was_cancelled then 'true' else 'false'
        end as is_return,
        judged.payment_method,
        judged.promo_code,
        judged.season,

        -- money, in the shop's currency
        judged.amount,
        judged.discount_amount,
        judged.net_amount,
        case when judged.was_cancelled then 0e0 else coalesce(judged.amount, 0e0) end as revenue,

        -- counts
        coalesce(lines_by_order.lines, 0) as lines,
        coalesce(lines_by_order.units, 0) as units,
        coalesce(lines_by_order.lines_amount, 0e0) as lines_amount,

        -- dates, UTC
        judged.order_datetime,
        judged.order_unix,
        mod(judged.order_unix / 3600, 24) as hour_of_day,
        coalesce(judged.order_unix, ${session_unixtime}) as time,
        ${session_unixtime} as built_for
    from judged
    left join lines_by_order
        on judged.channel = lines_by_order.channel and judged.order_no = lines_by_order.order_no

)

select * from final
