-- Forms filled in on the web shop: one row per submission.
--
-- reads   raw formfills
-- writes  prp formfills, replaced whole by wf02_mapping
--         config/schema_map.yml names its columns

select
    formfills.*,
    ${session_unixtime} as built_for
from ${raw}_${sub}.formfills
