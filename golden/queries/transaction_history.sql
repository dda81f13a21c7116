-- Every order line of both channels with the person who bought: one row per staged order line.
--
-- reads   cdp_unification enriched_order_details                one row per line
--         cdp_unification enriched_order_digital_transactions   one row per online order
--         cdp_unification enriched_order_offline_transactions   one row per store order
-- writes  golden transaction_history, replaced whole by wf06_golden
-- money   in the shop's currency; returns are negative, as in the source
-- time    of the order, so that behaviours go by it; of the session where the line has none
-- nulls   no number: order_no and order_key are null; the order is not there: channel is null;
--         nobody is known: canonical_id is null
-- ids     order_key finds the order in unified_transactions, in the same channel: the sale, where
--         money went back under its number
-- keeps   every staged line exactly once. A number used by both channels belongs to the order
--         that is nearer in time

with

lines as (

    select *
    from ${unif}_${sub}.enriched_order_details

),

online_orders as (

    select
        trfmd_order_key as order_key,
        ${unification_id} as canonical_id,
        trfmd_order_datetime as order_datetime,
        trfmd_order_datetime_unix as order_unix,
        trfmd_order_transaction_type as transaction_type,
        row_number() over (
            partition by trfmd_order_key
            order by
                case when amount < 0 then 1 else 0 end, trfmd_order_datetime_unix, ${unification_id}
        ) as place
    from ${unif}_${sub}.enriched_order_digital_transactions
    where trfmd_order_key is not null

),

store_orders as (

    select
        trfmd_order_key as order_key,
        ${unification_id} as canonical_id,
        trfmd_order_datetime as order_datetime,
        trfmd_order_datetime_unix as order_unix,
        trfmd_order_transaction_type as transaction_type,
        row_number() over (
            partition by trfmd_order_key
            order by
                case when amount < 0 then 1 else 0 end, trfmd_order_datetime_unix, ${unification_id}
        ) as place
    from ${unif}_${sub}.enriched_order_offline_transactions
    where trfmd_order_key is not null

),

placed as (

    select
        lines.*,
        case
            when online_orders.order_key is null and store_orders.order_key is null then null
            when store_orders.order_key is null then 'online'
            when online_orders.order_key is null then 'store'
            when
                abs(lines.trfmd_order_datetime_unix - store_orders.order_unix)
                < abs(lines.trfmd_order_datetime_unix - online_orders.order_unix)
                then 'store'
            else 'online'
        end as channel
    from lines
    left join online_orders
        on lines.trfmd_order_key = online_orders.order_key and online_orders.place = 1
    left join store_orders
        on lines.trfmd_order_key = store_orders.order_key and store_orders.place = 1

),

orders as (

    select
        'online' as channel,
        online_orders.*
    from online_orders
    where online_orders.place = 1
    union all
    select
        'store' as channel,
        store_orders.*
    from store_orders
    where store_orders.place = 1

),

final as (

    select
        -- ids
        case
            when orders.order_key is null then placed.${unification_id} else orders.canonical_id
        end as canonical_id,
        placed.trfmd_order_key as order_key,
        case when placed.trfmd_order_key is not null then trim(placed.order_no) end as order_no,
        placed.order_line_no,
        placed.channel,
        placed.product_id,

        -- what was bought
        coalesce(placed.trfmd_order_transaction_type, orders.transaction_type) as transaction_type,
        placed.trfmd_product_name as product_name,
        placed.trfmd_product_department as department,
        placed.trfmd_product_sub_department as sub_department,
        placed.product_color,
        placed.product_size,

        -- units, and money in the shop's currency
        placed.quantity,
        placed.list_price,
        placed.discount_offered as discount_amount,
        placed.tax,
        placed.net_price,

        -- dates, UTC
        coalesce(placed.trfmd_order_datetime, orders.order_datetime) as order_datetime,
        coalesce(placed.trfmd_order_datetime_unix, orders.order_unix) as order_unix,
        coalesce(placed.trfmd_order_datetime_unix, orders.order_unix, ${session_unixtime}) as time,
        ${session_unixtime} as built_for
    from placed
    left join orders
        on placed.channel = orders.channel and placed.trfmd_order_key = orders.order_key

)

select * from final
