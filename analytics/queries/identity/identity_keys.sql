-- What each kind of identifier did for the unification: one row per key.
--
-- reads   cdp_unification ${unification_id}_lookup   one row per identifier
--         cdp_unification ${unification_id}_keys     names of the keys
-- writes  analytics identity_keys, replaced whole by wf07_analytics
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

final as (

    select
        -- ids
        key_name,

        -- counts
        sum(ids) as distinct_ids,
        count(*) as profiles,
        max(ids) as most_ids_of_a_profile,
        count_if(ids > 1) as profiles_with_several,
        round(avg(ids * 1e0), 4) as ids_per_profile,
        ${session_unixtime} as built_for
    from ids_by_profile
    group by key_name

)

select * from final
