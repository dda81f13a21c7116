{% if protected %}
{# Groups in which weak identifiers, one after the other, would join people whose strong keys differ. #}
{{ create(work ~ 'grouped') }}
select s.v, s.person, coalesce(m.r, s.person) as label
from {{ work }}settled as s
left join {{ work }}all_map_0 as m on s.person = m.v;
{{ create(work ~ 'chained') }}
select label, max(people) as people
from (
  select g.label, k.kind, count(distinct g.person) as people
  from {{ work }}grouped as g
  inner join {{ work }}telling as k on g.person = k.person
  group by g.label, k.kind having count(distinct g.person) > 1
) as c
group by label;
{{ create(work ~ 'owned') }}
select v, case when count(*) = 1 then min(person) else v end as person
from {{ work }}touches group by v;
{{ create(work ~ 'labels') }}
select
  n.v,
  case
    when g.v is not null then case when x.label is null then g.label else g.person end
    when y.label is null then coalesce(m.r, n.v)
    else coalesce(o.person, n.v)
  end as label
from {{ work }}nodes as n
left join {{ work }}shared as h on n.v = h.v
left join {{ work }}grouped as g on n.v = g.v
left join {{ work }}chained as x on g.label = x.label
left join {{ work }}all_map_0 as m on n.v = m.v
left join {{ work }}chained as y on m.r = y.label
left join {{ work }}owned as o on n.v = o.v
where h.v is null;
{{ create(work ~ 'owners') }}
select p.record_id, min(({{ place('p.kind') }} + case when c.v is null then 0 else 100 end) * 2147483648 + p.v) % 2147483648 as v
from {{ work }}pairs as p
left join {{ work }}contested as c on p.v = c.v
group by p.record_id;
{% else %}
{{ create(work ~ 'labels') }}
select n.v, coalesce(m.r, n.v) as label
from {{ work }}nodes as n
left join {{ work }}all_map_0 as m on n.v = m.v;
{% endif %}
