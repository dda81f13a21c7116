{# For every component that joins two earlier people: the kind of identifier that both touch. #}
{{ create(work ~ 'causes') }}
select j.label, min_by(k.key_name, k.key_type) as cause
from (
{% if protected %}
  select a.v, l.label
  from {{ work }}pairs as a
  inner join {{ work }}labels as l on a.v = l.v
  inner join {{ work }}pairs as p on a.record_id = p.record_id
  inner join {{ work }}labels as o on p.v = o.v and l.label = o.label
  inner join {{ work }}nodes as n on p.v = n.v
  inner join {{ work }}before as b on n.kind = b.kind and n.id = b.id
  where l.label in (select label from {{ work }}homes where home = 1 and seniority > 1)
  group by a.v, l.label
{% else %}
  select e.v, l.label
  from (
    select v, w from {{ work }}all_edges_0 union all
    select w as v, v as w from {{ work }}all_edges_0 union all
    select v, v as w from {{ work }}all_edges_0 union all
    select w as v, w from {{ work }}all_edges_0
  ) as e
  inner join {{ work }}labels as l on e.v = l.v
  inner join {{ work }}nodes as n on e.w = n.v
  inner join {{ work }}before as b on n.kind = b.kind and n.id = b.id
  where l.label in (select label from {{ work }}homes where home = 1 and seniority > 1)
  group by e.v, l.label
{% endif %}
  having count(distinct b.canonical_id) > 1
) as j
inner join {{ work }}nodes as n on j.v = n.v
inner join {{ name }}_keys__next as k on n.kind = k.key_type
group by j.label;
