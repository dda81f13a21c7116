-- Order lines of both channels: one row per exported record.
--
-- reads   raw order_details
-- writes  prp order_details, replaced whole by wf02_mapping
--         config/schema_map.yml names its columns

select
    order_details.*,
    ${session_unixtime} as built_for
from ${raw}_${sub}.order_details
