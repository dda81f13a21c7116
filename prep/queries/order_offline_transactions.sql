-- Store orders as the tills export them: one row per exported record.
--
-- reads   raw order_offline_transactions
-- writes  prp order_offline_transactions, replaced whole by wf02_mapping
--         config/schema_map.yml names its columns

select
    order_offline_transactions.*,
    ${session_unixtime} as built_for
from ${raw}_${sub}.order_offline_transactions
