{{ create(work ~ 'masks') }}
select m.table_mask, array_sort(array_agg(t.table_id)) as table_ids
from (select distinct table_mask from {{ work }}nodes) as m
inner join {{ work }}sources as t on bitwise_and(m.table_mask, t.bit) <> 0
group by m.table_mask;
{{ create(name ~ '_lookup__next') }}
select
  p.canonical_id as {{ kind }}_id, n.id, n.kind as id_key_type,
  p.first_seen_at as {{ kind }}_id_first_seen_at, p.last_seen_at as {{ kind }}_id_last_seen_at,
  n.first_seen_at as id_first_seen_at, n.last_seen_at as id_last_seen_at,
  m.table_ids as id_source_table_ids, {{ session }} as id_last_processed_at, {{ session }} as built_for
from {{ work }}nodes as n
inner join {{ work }}labels as l on n.v = l.v
inner join {{ work }}people as p on l.label = p.label
inner join {{ work }}masks as m on n.table_mask = m.table_mask
{% if incremental %}
union all
select
  l.{{ kind }}_id, l.id, l.id_key_type, l.{{ kind }}_id_first_seen_at,
  greatest(l.{{ kind }}_id_last_seen_at, p.seen_at), l.id_first_seen_at,
  greatest(l.id_last_seen_at, coalesce(a.seen_at, 0)), l.id_source_table_ids, {{ session }}, {{ session }}
from {{ name }}_lookup as l
inner join (
  select canonical_id, max(seen_at) as seen_at from {{ work }}seen group by canonical_id
) as p on l.{{ kind }}_id = p.canonical_id
left join {{ work }}seen as a on l.id_key_type = a.kind and l.id = a.id
{% endif %}
;
{{ create(name ~ '_graph__next') }}
select
  n.id as follower_id, n.kind as follower_ns, p.leader_id, p.leader_kind as leader_ns,
  n.first_seen_at as follower_first_seen_at, n.last_seen_at as follower_last_seen_at,
  m.table_ids as follower_source_table_ids, {{ session }} as follower_last_processed_at,
  {{ session }} as built_for
from {{ work }}nodes as n
inner join {{ work }}labels as l on n.v = l.v
inner join {{ work }}people as p on l.label = p.label
inner join {{ work }}masks as m on n.table_mask = m.table_mask
{{ daily("union all select g.follower_id, g.follower_ns, g.leader_id, g.leader_ns, g.follower_first_seen_at, greatest(g.follower_last_seen_at, a.seen_at), g.follower_source_table_ids, " ~ '" + session_unixtime + "' ~ ", " ~ '" + session_unixtime + "' ~ " from " ~ name ~ "_graph as g inner join " ~ work ~ "seen as a on g.follower_ns = a.kind and g.follower_id = a.id") }};
{{ create(name ~ '_tables__next') }}
select table_id, table_name, {{ session }} as built_for
from {{ work }}sources as t;
