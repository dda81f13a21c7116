-- Baskets: one row per basket; the amount is the sum of its lines.
--
-- reads   raw transactions, coupon_redemptions
-- writes  prp order_offline_transactions, replaced whole by wf02_mapping
-- nulls   coupon_upc: nothing redeemed on that day, or no coupon discount in the basket

with

baskets as (

    select
        transactions.basket_id,
        transactions.household_id,
        transactions.store_id,
        min(transactions.transaction_timestamp) as transaction_timestamp,
        sum(transactions.sales_value) as amount,
        sum(transactions.retail_disc + transactions.coupon_match_disc) as discount_amount,
        sum(transactions.retail_disc) as retail_disc,
        sum(transactions.coupon_disc) as coupon_disc,
        min(transactions.time) as time
    from ${raw}_${sub}.transactions as transactions
    group by transactions.basket_id, transactions.household_id, transactions.store_id

),

coupons as (

    select
        household_id,
        redemption_date,
        min(coupon_upc) as coupon_upc
    from ${raw}_${sub}.coupon_redemptions
    group by household_id, redemption_date

)

select
    -- ids
    baskets.basket_id,
    baskets.household_id,
    baskets.store_id,

    -- the basket
    'sale' as order_kind,
    baskets.transaction_timestamp,
    coupons.coupon_upc,
    case when baskets.retail_disc > 0 then 'true' else 'false' end as markdown_flag,

    -- money
    baskets.amount,
    baskets.discount_amount,

    baskets.time,
    ${session_unixtime} as built_for
from baskets
left join coupons
    on
        baskets.household_id = coupons.household_id
        and substr(baskets.transaction_timestamp, 1, 10) = coupons.redemption_date
        and baskets.coupon_disc > 0
