{# What was not merged, or not trusted, and why. #}
{{ create('unification_suspects__next') }}
select unification_id, reason, canonical_id, key_name, id, people, {{ session }} as session_unixtime, {{ session }} as built_for
from (
  select
    '' as unification_id, '' as reason, '' as canonical_id, '' as key_name, '' as id, cast(0 as bigint) as people
  where 1 = 0
{% for each in protected_ids %}
{% set work = each.work %}
  union all
  select '{{ each.name }}', 'shared by too many', cast(null as varchar), k.key_name, s.id, s.others
  from (
    select n.kind, n.id, s.others
    from {{ work }}shared as s
    inner join {{ work }}nodes as n on s.v = n.v
{% if incremental %}
    {{ daily("union select kind, id, others from " ~ work ~ "still") }}
{% endif %}
  ) as s
  inner join {{ each.name }}_keys__next as k on s.kind = k.key_type
  union all
  select '{{ each.name }}', 'weak link between different people', p.canonical_id, k.key_name, n.id, c.people
  from {{ work }}contested as c
  inner join {{ work }}nodes as n on c.v = n.v
  inner join {{ work }}labels as l on c.v = l.v
  inner join {{ work }}people as p on l.label = p.label
  inner join {{ each.name }}_keys__next as k on n.kind = k.key_type
  union all
  select distinct '{{ each.name }}', 'chain of weak links between different people', p.canonical_id, k.key_name, n.id, c.people
  from {{ work }}chained as c
  inner join {{ work }}all_map_0 as m on c.label = m.r
  inner join {{ work }}nodes as n on m.v = n.v
  inner join {{ work }}labels as l on m.v = l.v
  inner join {{ work }}people as p on l.label = p.label
  inner join {{ each.name }}_keys__next as k on n.kind = k.key_type
  where not {{ each.joins }}
  union all
  select distinct '{{ each.name }}', d.reason, p.canonical_id, k.key_name, n.id, cast(null as bigint)
  from {{ work }}doubtful as d
  inner join {{ work }}joined as j on d.person = j.person
  inner join {{ work }}nodes as n on j.v = n.v
  inner join {{ work }}labels as l on j.v = l.v
  inner join {{ work }}people as p on l.label = p.label
  inner join {{ each.name }}_keys__next as k on n.kind = k.key_type
{% endfor %}
) as s;
