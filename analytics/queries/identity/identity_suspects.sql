-- What unification held back instead of merging it: one row per reason and key.
--
-- reads   cdp_unification unification_suspects   one row per identifier that was not trusted
-- writes  analytics identity_suspects, replaced whole by wf07_analytics
-- nulls   most_people: the reason is not about how many people share the identifier

select
    -- ids
    reason,
    key_name,

    -- counts
    count(*) as ids,
    count(distinct canonical_id) as profiles,
    max(people) as most_people,
    ${session_unixtime} as built_for
from ${unif}_${sub}.unification_suspects
where unification_id = '${unification_id}'
group by reason, key_name
