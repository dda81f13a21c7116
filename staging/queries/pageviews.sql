-- Page views, cleaned: one row per view.
--
-- reads   source pageviews   one row per source record
--         staging *_standard, words   what each raw value means
-- writes  staging pageviews, replaced whole by wf04_stage
-- nulls   a trfmd_ column is null when the raw value says nothing

select
    -- as the source sent it
    views.td_url,
    views.td_path,
    views.td_title,
    views.td_description,
    views.td_host,
    views.td_language,
    views.td_charset,
    views.td_os,
    views.td_os_version,
    views.td_user_agent,
    views.td_platform,
    views.td_screen,
    views.td_viewport,
    views.td_color,
    views.td_version,
    views.td_global_id,
    views.td_client_id,
    views.td_ip,
    views.td_referrer,
    views.td_browser,
    views.td_browser_version,
    views.time,

    -- ids
    case when no_browsers.word is null then nullif(trim(views.td_client_id), '') end
        as trfmd_td_client_id,
    nullif(trim(views.td_global_id), '') as trfmd_td_global_id,

    -- where
    lower(nullif(trim(views.td_host), '')) as trfmd_td_host,
    lower(regexp_replace(views.td_path, '(.)/+$', '$1')) as trfmd_td_path,
    nullif(trim(views.td_title), '') as trfmd_td_title,
    nullif(trim(views.td_description), '') as trfmd_td_description,
    -- the first rule that fits; more than one shop's paths are known
    case
        when regexp_like(lower(views.td_path), 'confirm|thank[-_]?you|order[-_]?complete|/orders/')
            then 'confirmation'
        when regexp_like(lower(views.td_path), '/checkouts?(/|$)') then 'checkout'
        when regexp_like(lower(views.td_path), '/(cart|basket|bag)(/|$)') then 'cart'
        when regexp_like(lower(views.td_path), '/(p|product|products|item)/[^/]') then 'product'
        when regexp_like(lower(views.td_path), '/(c|category|categories|collections|shop)/')
            then 'category'
        when regexp_like(lower(views.td_path), '/(account|login|register|loyalty|wishlist)(/|$)')
            then 'account'
        when views.td_path is null or views.td_path in ('', '/') then 'home'
        else 'other'
    end as trfmd_page_type,
    views.time as trfmd_time_unix,

    ${session_unixtime} as built_for
from ${src}_${sub}.pageviews as views
left join ${stg}_${sub}.words__next as no_browsers
    on
        no_browsers.kind in ('placeholder', 'placeholder_id')
        and lower(trim(views.td_client_id)) = no_browsers.word
