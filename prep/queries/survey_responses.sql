-- Survey answers: one row per answer.
--
-- reads   raw survey_responses
-- writes  prp survey_responses, replaced whole by wf02_mapping
--         config/schema_map.yml names its columns

select
    survey_responses.*,
    ${session_unixtime} as built_for
from ${raw}_${sub}.survey_responses
