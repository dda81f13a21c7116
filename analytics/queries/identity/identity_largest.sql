-- The profiles with most identifiers, where over-merging would show: at most 25 rows.
--
-- reads   cdp_unification ${unification_id}_lookup   one row per identifier
--         cdp_unification ${unification_id}_keys     names of the keys
-- writes  analytics identity_largest, replaced whole by wf07_analytics
-- privacy counts only; no identifier leaves the unification
-- nulls   none

select
    -- ids
    lookup.canonical_id,

    -- counts
    count(*) as ids,
    count_if(keys.key_name = 'email') as emails,
    count_if(keys.key_name = 'phone_number') as phone_numbers,
    count_if(keys.key_name = 'customer_id') as customer_ids,
    count_if(keys.key_name = 'td_client_id') as browsers,
    ${session_unixtime} as built_for
from ${unif}_${sub}.${unification_id}_lookup as lookup
inner join ${unif}_${sub}.${unification_id}_keys as keys
    on lookup.id_key_type = keys.key_type
group by lookup.canonical_id
order by ids desc, lookup.canonical_id asc
limit 25
