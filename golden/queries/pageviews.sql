-- Page views with the person and the visit they belong to: one row per page view.
--
-- reads   cdp_unification enriched_pageviews   staged rows plus the person's id
-- writes  golden pageviews, replaced whole by wf06_golden
-- visits  a visit is one browser's views with no gap of more than 1800 seconds (30 minutes);
--         its id is the browser and the second at which the visit began
-- nulls   a view with neither a browser id nor a person has no visit; no person: canonical_id null

with

views as (

    select
        *,
        coalesce(trfmd_td_client_id, ${unification_id}) as visitor
    from ${unif}_${sub}.enriched_pageviews

),

gaps as (

    select
        *,
        trfmd_time_unix - lag(trfmd_time_unix) over (
            partition by visitor
            order by trfmd_time_unix, td_url, td_title, td_referrer
        ) as seconds_since_last_view
    from views

),

numbered as (

    select
        *,
        sum(case when seconds_since_last_view <= 1800 then 0 else 1 end) over (
            partition by visitor
            order by trfmd_time_unix, td_url, td_title, td_referrer
            rows between unbounded preceding and current row
        ) as visit_number
    from gaps

),

visits as (

    select
        *,
        min(trfmd_time_unix) over (partition by visitor, visit_number) as visit_started_unix
    from numbered

),

final as (

    select
        -- ids
        ${unification_id} as canonical_id,
        ${unification_id},
        visitor || '-' || cast(visit_started_unix as varchar) as web_session_id,

        -- as the source sent it
        td_url,
        td_path,
        td_title,
        td_description,
        td_host,
        td_language,
        td_charset,
        td_os,
        td_os_version,
        td_user_agent,
        td_platform,
        td_screen,
        td_viewport,
        td_color,
        td_version,
        td_global_id,
        td_client_id,
        td_ip,
        td_referrer,
        td_browser,
        td_browser_version,

        -- as staging cleaned it
        trfmd_td_host,
        trfmd_td_path,
        trfmd_td_title,
        trfmd_page_type,
        trfmd_td_client_id,
        trfmd_td_global_id,
        trfmd_time_unix,

        -- times
        time,
        ${session_unixtime} as built_for
    from visits

)

select * from final
