-- Households with a loyalty card: one row per household of any file.
--
-- reads   raw transactions, demographics, campaigns
-- writes  prp loyalty_profile, replaced whole by wf02_mapping
-- nulls   nobody has a name, an address or an e-mail: the data has none

with

households as (

    select household_id from ${raw}_${sub}.transactions
    union distinct
    select household_id from ${raw}_${sub}.demographics
    union distinct
    select household_id from ${raw}_${sub}.campaigns

)

select
    household_id,
    'active' as membership_status,
    ${session_unixtime} as time,
    ${session_unixtime} as built_for
from households
