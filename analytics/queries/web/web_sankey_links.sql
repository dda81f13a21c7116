-- How visits move between kinds of pages: one row per step, kind left and kind reached.
--
-- reads   golden pageviews   one row per page view, with its visit
-- writes  analytics web_sankey_links, replaced whole by wf07_analytics
-- steps   pages of one kind in a row are one stop; step 0 leads from "start" to the first stop, and
--         every visit ends in "exit", or in "more" when it goes on past its sixth stop. Moves back
--         are kept. What flows into a stop flows out of it
-- nulls   none

with

views as (

    select
        web_session_id,
        coalesce(trfmd_page_type, 'other') as page_type,
        row_number() over (
            partition by web_session_id
            order by trfmd_time_unix, td_url, td_title, td_referrer
        ) as place
    from ${gld}_${sub}.pageviews
    where web_session_id is not null

),

compared as (

    select
        *,
        lag(page_type) over (partition by web_session_id order by place) as previous_type
    from views

),

stops as (

    select
        web_session_id,
        page_type,
        row_number() over (partition by web_session_id order by place) as stop,
        lead(page_type) over (partition by web_session_id order by place) as next_type
    from compared
    where previous_type is null or previous_type <> page_type

),

moves as (

    select
        0 as step,
        'start' as source,
        page_type as target
    from stops
    where stop = 1
    union all
    select
        stop as step,
        page_type as source,
        case
            when next_type is null then 'exit'
            when stop = 6 then 'more'
            else next_type
        end as target
    from stops
    where stop <= 6

),

final as (

    select
        -- ids
        step,
        source,
        target,

        -- counts
        count(*) as sessions,
        ${session_unixtime} as built_for
    from moves
    group by step, source, target

)

select * from final
