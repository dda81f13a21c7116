-- Visits to the web site: one row per visit.
--
-- reads   golden pageviews   one row per page view, with its visit (30 quiet minutes end one)
-- writes  analytics web_sessions, replaced whole by wf07_analytics
-- source  of the first view: utm parameters, else a click id, else the referring site
-- nulls   nobody known: canonical_id is null; no campaign: campaign is null

with

views as (

    select
        *,
        row_number() over (
            partition by web_session_id
            order by trfmd_time_unix, td_url, td_title, td_referrer
        ) as place
    from ${gld}_${sub}.pageviews
    where web_session_id is not null

),

visits as (

    select
        web_session_id,
        max(canonical_id) as canonical_id,
        max(trfmd_td_client_id) as td_client_id,
        min(trfmd_time_unix) as started_unix,
        max(trfmd_time_unix) as ended_unix,
        count(*) as page_views,
        count_if(trfmd_page_type = 'product') as product_views,
        count_if(trfmd_page_type = 'cart') as cart_views,
        count_if(trfmd_page_type = 'checkout') as checkout_views,
        count_if(trfmd_page_type = 'confirmation') as confirmation_views,
        min_by(trfmd_page_type, place) as entry_page_type,
        max_by(trfmd_page_type, place) as exit_page_type,
        min_by(trfmd_td_path, place) as entry_path,
        min_by(td_url, place) as entry_url,
        min_by(td_referrer, place) as entry_referrer,
        min_by(trfmd_td_host, place) as entry_host
    from views
    group by web_session_id

),

touched as (

    select
        *,
        lower(nullif(url_extract_parameter(entry_url, 'utm_source'), '')) as utm_source,
        lower(nullif(url_extract_parameter(entry_url, 'utm_medium'), '')) as utm_medium,
        nullif(url_extract_parameter(entry_url, 'utm_campaign'), '') as utm_campaign,
        url_extract_parameter(entry_url, 'gclid') as google_click,
        regexp_replace(
            lower(nullif(url_extract_host(entry_referrer), '')), '^(www|m|l|lm)[.]', ''
        ) as referrer,
        regexp_replace(lower(entry_host), '^(www|m)[.]', '') as own_site
    from visits

),

final as (

    select
        -- ids
        web_session_id,
        canonical_id,
        td_client_id,

        -- where from
        case
            when utm_source is not null then utm_source
            when google_click is not null then 'google'
            when referrer is null or referrer = own_site then 'direct'
            else referrer
        end as source,
        case
            when utm_medium is not null then utm_medium
            when google_click is not null then 'cpc'
            when utm_source is not null then '(not set)'
            when referrer is null or referrer = own_site then 'none'
            when regexp_like(referrer, '(^|[.])(google|bing|yahoo|duckduckgo|baidu|ecosia)[.]')
                then 'organic'
            when
                regexp_like(
                    referrer,
                    '(^|[.])(facebook|instagram|pinterest|tiktok|youtube|linkedin|reddit)[.]'
                )
                or referrer in ('t.co', 'x.com')
                then 'social'
            else 'referral'
        end as medium,
        utm_campaign as campaign,

        -- pages
        entry_page_type,
        exit_page_type,
        entry_path,
        page_views,
        product_views,
        cart_views,
        checkout_views,
        confirmation_views,
        case when page_views = 1 then 'true' else 'false' end as is_bounce,
        case when confirmation_views > 0 then 'true' else 'false' end as is_converted,

        -- times, UTC
        date_format(from_unixtime(started_unix), '%Y-%m-%d') as started_date,
        started_unix,
        ended_unix,
        ended_unix - started_unix as duration_seconds,
        ${session_unixtime} as built_for
    from touched

)

select * from final
