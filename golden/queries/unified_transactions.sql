-- Orders of both channels in one shape: one row per staged order.
--
-- rows    an order that several customers share has one for each part; money that went back under
--         an order's number has one for each time
--
-- reads   cdp_unification enriched_order_digital_transactions   one row per online order
--         cdp_unification enriched_order_offline_transactions   one row per store order
--         golden transaction_history__next                      one row per order line
-- writes  golden unified_transactions, replaced whole by wf06_golden
-- money   in the shop's currency; returns are negative, as in the source. `revenue` is the amount,
--         but 0 for a cancelled order or an unknown amount: its sum is the shop's revenue
-- counts  order_count is 1, and 0 where another row counts the order: its sum over any rows is a
--         number of orders, the number of the shop's order numbers
-- time    of the order, so that behaviours go by it; of the session where the order has none
-- nulls   no number, or a word that stands for none: order_no and order_key are null;
--         nobody is known: canonical_id is null; no lines: lines, units and lines_amount are 0
-- keeps   every staged order exactly once

with

online_orders as (

    select
        ${unification_id} as canonical_id,
        case when trfmd_order_key is not null then trim(order_no) end as order_no,
        trfmd_order_key as order_key,
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
        case when trfmd_order_key is not null then trim(order_no) end as order_no,
        trfmd_order_key as order_key,
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
        order_key,
        count(*) as lines,
        sum(quantity) as units,
        round(sum(net_price), 4) as lines_amount
    from ${gld}_${sub}.transaction_history__next
    where channel is not null
    group by channel, order_key

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

counted as (

    select
        *,
        row_number() over (
            partition by channel, order_no, was_cancelled, was_returned, was_exchanged
            order by amount desc nulls last, order_key asc, canonical_id asc
        ) as place,
        -- the lines are those of the sale, also where money went back under its number
        row_number() over (
            partition by channel, order_key
            order by case when amount < 0 then 1 else 0 end, order_unix, canonical_id, amount
        ) as place_of_lines
    from judged

),

final as (

    select
        -- ids
        counted.canonical_id,
        counted.order_key,
        counted.order_no,
        counted.channel,
        counted.location_id,

        -- what kind of order
        counted.transaction_type,
        case
            when counted.was_cancelled or counted.was_returned or counted.was_exchanged then 'false'
            else 'true'
        end as is_purchase,
        case
            when counted.was_returned and not counted.was_cancelled then 'true' else 'false'
        end as is_return,
        counted.payment_method,
        counted.promo_code,
        counted.season,

        -- money, in the shop's currency
        counted.amount,
        counted.discount_amount,
        counted.net_amount,
        case when counted.was_cancelled then 0e0 else coalesce(counted.amount, 0e0) end as revenue,

        -- counts
        case when counted.place = 1 or counted.order_no is null then 1 else 0 end as order_count,
        coalesce(lines_by_order.lines, 0) as lines,
        coalesce(lines_by_order.units, 0) as units,
        coalesce(lines_by_order.lines_amount, 0e0) as lines_amount,

        -- dates, UTC
        counted.order_datetime,
        counted.order_unix,
        mod(counted.order_unix / 3600, 24) as hour_of_day,
        coalesce(counted.order_unix, ${session_unixtime}) as time,
        ${session_unixtime} as built_for
    from counted
    left join lines_by_order
        on
            counted.channel = lines_by_order.channel
            and counted.order_key = lines_by_order.order_key
            and counted.place_of_lines = 1

)

select * from final
