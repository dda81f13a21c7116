-- Where visits come from: one row per source and medium.
--
-- reads   analytics web_sessions__next   one row per visit
-- writes  analytics web_sources, replaced whole by wf07_analytics
-- rates   0 to 1
-- nulls   none

select
    -- ids
    source,
    medium,

    -- counts
    count(*) as sessions,
    count(distinct td_client_id) as visitors,
    count_if(is_converted = 'true') as converted_sessions,

    -- rates and means
    round(count_if(is_converted = 'true') * 1e0 / count(*), 4) as conversion_rate,
    round(count_if(is_bounce = 'true') * 1e0 / count(*), 4) as bounce_rate,
    round(avg(page_views * 1e0), 4) as pages_per_session,
    round(avg(duration_seconds * 1e0), 1) as avg_duration_seconds,
    ${session_unixtime} as built_for
from ${ana}_${sub}.web_sessions__next
group by source, medium
