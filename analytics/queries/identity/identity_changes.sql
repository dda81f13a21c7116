-- What each run changed in who is who: one row per day, kind of change and cause.
--
-- reads   cdp_unification unification_changes   one row per merge or split, of all runs
-- writes  analytics identity_changes, replaced whole by wf07_analytics
-- nulls   none; a run that merged and split nobody has no row

select
    -- ids
    date_format(from_unixtime(session_unixtime), '%Y-%m-%d') as day,
    change,
    cause,

    -- counts
    count(*) as changes,
    sum(identifiers) as ids,
    ${session_unixtime} as built_for
from ${unif}_${sub}.unification_changes
where unification_id = '${unification_id}'
group by date_format(from_unixtime(session_unixtime), '%Y-%m-%d'), change, cause
