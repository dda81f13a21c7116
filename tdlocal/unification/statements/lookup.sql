{{ create(work ~ 'masks') }}
select m.table_mask, array_sort(array_agg(t.table_id)) as table_ids
from (select distinct table_mask from {{ work }}labels) as m
inner join {{ work }}sources as t on bitwise_and(m.table_mask, t.bit) <> 0
group by m.table_mask;
{{ create(name ~ '_lookup__next') }}
select
  p.canonical_id as {{ kind }}_id, substr(l.node, 4) as id, l.kind as id_key_type,
  p.first_seen_at as {{ kind }}_id_first_seen_at, p.last_seen_at as {{ kind }}_id_last_seen_at,
  l.first_seen_at as id_first_seen_at, l.last_seen_at as id_last_seen_at,
  m.table_ids as id_source_table_ids, {{ session }} as id_last_processed_at, {{ session }} as built_for
from {{ work }}labels as l
inner join {{ work }}people as p on l.label = p.label
inner join {{ work }}masks as m on l.table_mask = m.table_mask;
{{ create(name ~ '_graph__next') }}
select
  substr(l.node, 4) as follower_id, l.kind as follower_ns,
  substr(p.leader, 4) as leader_id, cast(substr(p.leader, 1, 2) as bigint) as leader_ns,
  l.first_seen_at as follower_first_seen_at, l.last_seen_at as follower_last_seen_at,
  m.table_ids as follower_source_table_ids, {{ session }} as follower_last_processed_at,
  {{ session }} as built_for
from {{ work }}labels as l
inner join {{ work }}people as p on l.label = p.label
inner join {{ work }}masks as m on l.table_mask = m.table_mask;
{{ create(name ~ '_keys__next') }}
select cast(key_type as bigint) as key_type, key_name, {{ session }} as built_for
from (values {% for key, number in numbers %}{{ ', ' if not loop.first }}({{ number | int }}, '{{ key }}'){% endfor %}) as t (key_type, key_name);
{{ create(name ~ '_tables__next') }}
select table_id, table_name, {{ session }} as built_for
from {{ work }}sources as t;
