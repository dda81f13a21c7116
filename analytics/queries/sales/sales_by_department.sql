-- Sales by department and month: one row per month and department with any order line.
--
-- reads   golden transaction_history   one row per order line
-- writes  analytics sales_by_department, replaced whole by wf07_analytics
-- money   in the shop's currency, after discount, before tax, returns taken off
-- nulls   month or department is null where the line has none

with

lines as (

    select
        *,
        substr(order_datetime, 1, 7) || '-01' as month
    from ${gld}_${sub}.transaction_history
    where coalesce(lower(transaction_type), '') not like 'cancel%'

),

final as (

    select
        -- ids
        month,
        department,

        -- money and counts
        round(coalesce(sum(net_price), 0e0), 4) as total_revenue,
        coalesce(sum(quantity), 0) as units,
        count(distinct canonical_id) as unique_customers,
        ${session_unixtime} as built_for
    from lines
    group by month, department

)

select * from final
