-- Consents given and withdrawn: one row per change.
--
-- reads   raw consents
-- writes  prp consents, replaced whole by wf02_mapping
--         config/schema_map.yml names its columns

select
    consents.*,
    ${session_unixtime} as built_for
from ${raw}_${sub}.consents
