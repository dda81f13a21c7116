-- Page views of the web shop: one row per view.
--
-- reads   raw pageviews
-- writes  prp pageviews, replaced whole by wf02_mapping
--         config/schema_map.yml names its columns

select
    pageviews.*,
    ${session_unixtime} as built_for
from ${raw}_${sub}.pageviews
where pageviews.time >= ${since}
