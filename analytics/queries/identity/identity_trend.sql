-- What each run of the unification made of its sources: one row per run with statistics.
--
-- reads   cdp_unification ${unification_id}_source_key_stats   one row per source table and run
--         cdp_unification ${unification_id}_result_key_stats   the same, after merging
-- writes  analytics identity_trend, replaced whole by wf07_analytics
-- rates   0 to 1: sets of identifiers that merging did away with, of all that the sources hold
-- nulls   no identifiers at all: the rate is null

with

before as (

    select
        time as unified_unix,
        max(total_distinct) as profiles_before
    from ${unif}_${sub}.${unification_id}_source_key_stats
    where from_table = '*'
    group by time

),

after as (

    select
        time as unified_unix,
        max(total_distinct) as profiles
    from ${unif}_${sub}.${unification_id}_result_key_stats
    where from_table = '*'
    group by time

),

final as (

    select
        -- ids
        date_format(from_unixtime(after.unified_unix), '%Y-%m-%d') as day,
        after.unified_unix,

        -- counts
        before.profiles_before,
        after.profiles,

        -- rates, 0 to 1
        round(
            (before.profiles_before - after.profiles) * 1e0 / nullif(before.profiles_before, 0), 4
        ) as deduplication_rate,
        ${session_unixtime} as built_for
    from after
    inner join before on after.unified_unix = before.unified_unix

)

select * from final
