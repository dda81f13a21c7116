-- How many identifiers a profile has: one row per key and number of identifiers.
--
-- reads   cdp_unification ${unification_id}_lookup   one row per identifier
--         cdp_unification ${unification_id}_keys     names of the keys
-- writes  analytics identity_histogram, replaced whole by wf07_analytics
-- keys    "all" counts the identifiers of every key together; ten and more are one row
-- nulls   none

with

ids_by_profile as (

    select
        keys.key_name,
        lookup.canonical_id,
        count(*) as ids
    from ${unif}_${sub}.${unification_id}_lookup as lookup
    inner join ${unif}_${sub}.${unification_id}_keys as keys
        on lookup.id_key_type = keys.key_type
    group by keys.key_name, lookup.canonical_id

),

counted as (

    select
        key_name,
        canonical_id,
        ids
    from ids_by_profile
    union all
    select
        'all' as key_name,
        canonical_id,
        sum(ids) as ids
    from ids_by_profile
    group by canonical_id

),

final as (

    select
        -- ids
        key_name,
        least(ids, 10) as ids_per_profile,

        -- counts
        count(*) as profiles,
        ${session_unixtime} as built_for
    from counted
    group by key_name, least(ids, 10)

)

select * from final
