-- Members as the loyalty system exports them: one row per exported record.
--
-- reads   raw loyalty_profile
-- writes  prp loyalty_profile, replaced whole by wf02_mapping
--         config/schema_map.yml names its columns

select
    loyalty_profile.*,
    ${session_unixtime} as built_for
from ${raw}_${sub}.loyalty_profile
