-- Sales by product: one row per product that was ever on an order line.
--
-- reads   golden transaction_history   one row per order line
-- writes  analytics sales_by_product, replaced whole by wf07_analytics
-- money   in the shop's currency, after discount, before tax, returns taken off
-- names   of a product with several, the one that comes first in the alphabet
-- nulls   lines without a product id are one row with a null product_id

with

lines as (

    select
        *,
        case
            when
                coalesce(lower(transaction_type), '') like 'return%'
                or coalesce(lower(transaction_type), '') like 'refund%'
                or coalesce(quantity, 1) < 0
                or coalesce(net_price, 0e0) < 0e0
                then 'true'
            else 'false'
        end as is_return
    from ${gld}_${sub}.transaction_history
    where coalesce(lower(transaction_type), '') not like 'cancel%'

),

final as (

    select
        -- ids
        product_id,
        min(product_name) as product_name,
        min(department) as department,

        -- money
        round(coalesce(sum(net_price), 0e0), 4) as total_revenue,

        -- counts
        coalesce(sum(quantity), 0) as units,
        count_if(is_return = 'false') as lines,
        count_if(is_return = 'true') as returned_lines,
        count(distinct canonical_id) as unique_customers,
        round(count_if(is_return = 'true') * 1e0 / nullif(count_if(is_return = 'false'), 0), 4)
            as return_rate,
        ${session_unixtime} as built_for
    from lines
    group by product_id

)

select * from final
