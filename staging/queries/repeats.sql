-- Records that repeat another one and were left out: one row per table that can repeat itself.
--
-- reads   source and staging tables with a key
-- writes  staging repeats, replaced whole by wf04_stage
-- nulls   none

with

counted as (

    select
        'loyalty_profile' as table_name,
        (select count(*) from ${src}_${sub}.loyalty_profile) as records,
        (select count(*) from ${stg}_${sub}.loyalty_profile__next) as kept
    union all
    select
        'order_digital_transactions' as table_name,
        (select count(*) from ${src}_${sub}.order_digital_transactions) as records,
        (select count(*) from ${stg}_${sub}.order_digital_transactions__next) as kept
    union all
    select
        'order_offline_transactions' as table_name,
        (select count(*) from ${src}_${sub}.order_offline_transactions) as records,
        (select count(*) from ${stg}_${sub}.order_offline_transactions__next) as kept
    union all
    select
        'order_details' as table_name,
        (select count(*) from ${src}_${sub}.order_details) as records,
        (select count(*) from ${stg}_${sub}.order_details__next) as kept

)

select
    table_name,
    records,
    kept,
    records - kept as left_out,
    ${session_unixtime} as built_for
from counted
