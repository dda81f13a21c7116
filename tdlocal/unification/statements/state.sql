{# What the next incremental run goes on from. #}
{{ create(name ~ '_leads__next') }}
select p.canonical_id, e.table_mask, count(*) as leads, {{ session }} as built_for
from (
{{ leads }}
) as e
inner join {{ work }}labels as l on e.v = l.v
inner join {{ work }}people as p on l.label = p.label
group by p.canonical_id, e.table_mask;
{% if protected %}
{# a region: people whom any identifier joins that is not shared by too many #}
{{ create(name ~ '_regions__next') }}
select canonical_id, min(canonical_id) over (partition by r) as region, {{ session }} as built_for
from (
  select p.canonical_id, min(coalesce(m.r, l.v)) as r
  from {{ work }}labels as l
  inner join {{ work }}people as p on l.label = p.label
  left join {{ work }}region_map_0 as m on l.v = m.v
  group by p.canonical_id
) as r;
{# with how many rows an identifier shared by too many meets the others, region by region #}
{{ create(name ~ '_contacts__next') }}
select
  n.kind, n.id, coalesce(o.kind, 0) as other_kind, coalesce(o.id, '') as other_id,
  coalesce(g.region, '') as region, sum(r.copies) as n,
  {{ session }} as built_for
from {{ work }}shared as s
inner join {{ work }}found as a on s.v = a.v
inner join {{ work }}nodes as n on a.v = n.v
left join {{ work }}found as b
  on a.record_id = b.record_id and a.kind <> b.kind and {{ protected.is_profile('b.kind') }}
left join {{ work }}nodes as o on b.v = o.v
inner join {{ work }}records as r on a.record_id = r.record_id
left join {{ work }}rows as w on a.record_id = w.record_id
left join {{ name }}_regions__next as g on w.canonical_id = g.canonical_id
group by n.kind, n.id, coalesce(o.kind, 0), coalesce(o.id, ''), coalesce(g.region, '');
{% endif %}
{# whose rows of the live tables give way to those of this run #}
{{ create(work ~ 'gone') }}
select canonical_id from {{ work }}people union select canonical_id from {{ work }}touched;
{# and where people who are only seen again have new rows, too #}
{{ create(work ~ 'redone') }}
select canonical_id from {{ work }}gone union select canonical_id from {{ work }}seen;
{{ create(work ~ 'nodes_gone') }}
select cast(kind as varchar) || ':' || id as node from {{ work }}nodes
union select cast(kind as varchar) || ':' || id from {{ work }}seen
{{ daily("union select cast(id_key_type as varchar) || ':' || id from " ~ name ~ "_lookup where " ~ kind ~ "_id in (select canonical_id from " ~ work ~ "touched)") }};
{{ create(name ~ '_state__next') }}
select '{{ layout }}' as layout, {{ session }} as built_for;
