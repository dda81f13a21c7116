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
  l.{{ kind }}_id, l.id, l.id_key_type, l.{{ kind }}_id_first_seen_at, l.{{ kind }}_id_last_seen_at,
  l.id_first_seen_at, l.id_last_seen_at, l.id_source_table_ids, l.id_last_processed_at, {{ session }}
from {{ name }}_lookup as l
cross join {{ work }}carry as c
left join {{ work }}touched as t on l.{{ kind }}_id = t.canonical_id
where c.carried = 1 and t.canonical_id is null
{% endif %}
;
{% if incremental %}
create table if not exists {{ name }}_graph (
    follower_id varchar, follower_ns bigint, leader_id varchar, leader_ns bigint,
    follower_first_seen_at bigint, follower_last_seen_at bigint, follower_source_table_ids array(bigint),
    follower_last_processed_at bigint
);
{% endif %}
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
{% if incremental %}
union all
select
  g.follower_id, g.follower_ns, g.leader_id, g.leader_ns, g.follower_first_seen_at, g.follower_last_seen_at,
  g.follower_source_table_ids, g.follower_last_processed_at, {{ session }}
from {{ name }}_graph as g
cross join {{ work }}carry as c
left join {{ work }}nodes as n on g.follower_ns = n.kind and g.follower_id = n.id
where c.carried = 1 and n.v is null
{% endif %}
;
{{ create(name ~ '_keys__next') }}
select cast(key_type as bigint) as key_type, key_name, {{ session }} as built_for
from (values {% for key, number in numbers %}{{ ', ' if not loop.first }}({{ number | int }}, '{{ key }}'){% endfor %}) as t (key_type, key_name);
{{ create(name ~ '_tables__next') }}
select table_id, table_name, {{ session }} as built_for
from {{ work }}sources as t;
