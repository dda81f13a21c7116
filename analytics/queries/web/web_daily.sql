-- The web site day by day: one row per day (UTC) with any visit.
--
-- reads   analytics web_sessions__next   one row per visit
-- writes  analytics web_daily, replaced whole by wf07_analytics
-- nulls   none

select
    -- ids
    started_date as day,

    -- counts
    count(*) as sessions,
    count(distinct td_client_id) as visitors,
    count(distinct canonical_id) as people,
    sum(page_views) as page_views,
    count_if(is_bounce = 'true') as bounces,
    count_if(is_converted = 'true') as converted_sessions,
    ${session_unixtime} as built_for
from ${ana}_${sub}.web_sessions__next
group by started_date
