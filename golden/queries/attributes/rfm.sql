-- Recency, frequency, money: one row per person who ever bought.
--
-- reads   golden transactions_attributes__next   one row per person who ordered
-- writes  golden rfm_attributes, replaced whole by wf06_golden
-- scores  quintiles of all buyers, 5 is best. People with equal values get equal scores: the score
--         of the worst place among them
-- tiers   by the recency score and the mean of the other two, rounded half up; the grid is in
--         docs/workflows/wf06_golden.md
-- nulls   none

with

buyers as (

    select
        canonical_id,
        last_purchase_unix,
        total_orders,
        lifetime_value
    from ${gld}_${sub}.transactions_attributes__next
    where total_orders > 0

),

scored as (

    select
        canonical_id,
        1 + (rank() over (order by last_purchase_unix nulls first) - 1) * 5 / count(*) over ()
            as rfm_recency,
        1 + (rank() over (order by total_orders) - 1) * 5 / count(*) over () as rfm_frequency,
        1 + (rank() over (order by lifetime_value) - 1) * 5 / count(*) over () as rfm_monetary
    from buyers

),

weighed as (

    select
        *,
        (rfm_frequency + rfm_monetary + 1) / 2 as weight
    from scored

),

final as (

    select
        -- ids
        canonical_id,

        -- scores, 1 to 5
        rfm_recency,
        rfm_frequency,
        rfm_monetary,
        cast(rfm_recency as varchar)
        || cast(rfm_frequency as varchar)
        || cast(rfm_monetary as varchar) as rfm_score,
        case
            when rfm_recency >= 4 and weight >= 4 then 'Champions'
            when rfm_recency = 3 and weight >= 4 then 'Loyal Customers'
            when rfm_recency >= 4 and weight >= 2 then 'Potential Loyalists'
            when rfm_recency = 5 then 'New Customers'
            when rfm_recency = 4 then 'Promising'
            when rfm_recency = 3 and weight >= 2 then 'Need Attention'
            when rfm_recency = 3 then 'About To Sleep'
            when weight = 5 then 'Cannot Lose Them'
            when weight >= 3 then 'At Risk'
            when rfm_recency = 2 then 'Hibernating'
            else 'Lost'
        end as rfm_tier,
        ${session_unixtime} as built_for
    from weighed

)

select * from final
