{# Who is one person by strong keys is settled; now what weak keys may add to it. #}
{{ create(work ~ 'joined') }}
select n.v, n.kind, coalesce(m.r, n.v) as person
from {{ work }}nodes as n
left join {{ work }}strong_map_0 as m on n.v = m.v
left join {{ work }}shared as s on n.v = s.v
where {{ protected.joins('n.kind') }} and s.v is null;
{# people with more identifiers of a kind, or more birth dates, than one person has #}
{{ create(work ~ 'doubtful') }}
select person, min(reason) as reason
from (
  select person, 'too large' as reason
  from {{ work }}joined group by person, kind
  having count(*) > {{ protected.largest('kind') }}
{% for number, key, database, table, column in protected.contradictions %}
  union all
  select j.person, 'contradiction' as reason
  from {{ database }}.{{ table }} as p
  inner join {{ work }}records as r on r.table_id = {{ number }} and r.record_key = {{ key }}
  inner join {{ work }}leads as l on r.record_id = l.record_id
  inner join {{ work }}joined as j on l.v = j.v
  where p."{{ column }}" is not null
  group by j.person
  having count(distinct p."{{ column }}") > 1
{% endfor %}
) as d
group by person;
{# of a doubtful person, each identifier stays with the one anchor it occurs with, else alone #}
{{ create(work ~ 'settled') }}
select
  j.v, j.kind,
  case when d.person is null then j.person when a.anchors = 1 then a.anchor else j.v end as person
from {{ work }}joined as j
left join {{ work }}doubtful as d on j.person = d.person
left join (
  select x.v, min(y.v) as anchor, count(distinct y.v) as anchors
  from {{ work }}doubtful as d
  inner join {{ work }}joined as j on d.person = j.person
  inner join {{ work }}pairs as x on j.v = x.v
  inner join {{ work }}pairs as y on x.record_id = y.record_id and y.kind = {{ protected.anchor }}
  group by x.v
) as a on j.v = a.v;
{{ create(work ~ 'touches') }}
select distinct p.v, s.person
from {{ work }}pairs as p
inner join {{ work }}leads as l on p.record_id = l.record_id and l.place <= {{ protected.last_joining }}
inner join {{ work }}settled as s on l.v = s.v
where not {{ protected.joins('p.kind') }};
{% if protected.has_slips %}
{# a misspelt address, seen once beside a card of a person whose right one is seen often, makes no second
   person. Records of a link are derived from others: every spelling has them. #}
{{ create(work ~ 'spellings') }}
select p.v, count(distinct p.record_id) as records
from {{ work }}pairs as p
left join (
  select distinct record_id from {{ work }}pairs where {{ protected.links('kind') }}
) as l on p.record_id = l.record_id
where {{ protected.slips('p.kind') }} and l.record_id is null
group by p.v;
{{ create(work ~ 'beside') }}
select distinct x.v, x.kind, y.v as weak, s.records
from {{ work }}pairs as x
inner join {{ work }}pairs as y on x.record_id = y.record_id
inner join {{ work }}spellings as s on x.v = s.v
where not {{ protected.joins('y.kind') }};
{% endif %}
{{ create(work ~ 'telling') }}
select distinct person, kind from {{ work }}settled
where {{ protected.distinguishes('kind') }}{% if protected.has_slips %} and person not in (
  select s.person
  from {{ work }}beside as a
  inner join {{ work }}beside as b on a.weak = b.weak and a.kind = b.kind and a.v <> b.v
  inner join {{ work }}nodes as m on a.v = m.v
  inner join {{ work }}nodes as n on b.v = n.v
  inner join {{ work }}settled as s on a.v = s.v
  inner join (
    select person from {{ work }}settled where {{ protected.distinguishes('kind') }} group by person having count(*) = 1
  ) as o on s.person = o.person
  where b.records >= 3 * a.records
    and levenshtein_distance(m.id, n.id) <= {{ protected.letters('a.kind') }}
){% endif %};
{# a weak identifier of people who each have, say, an e-mail of their own: it joins nobody #}
{{ create(work ~ 'contested') }}
select v, max(people) as people
from (
  select t.v, k.kind, count(*) as people
  from {{ work }}touches as t
  inner join {{ work }}telling as k on t.person = k.person
  group by t.v, k.kind having count(*) > 1
) as c
group by v;
{# records without a strong key: beside an identifier that has one person, contested ones do not count #}
{{ create(work ~ 'loose') }}
select record_id, v, place
from (
  select
    p.record_id, p.v, {{ place('p.kind') }} as place, c.v as contested,
    max(case when c.v is null and t.v is not null then 1 else 0 end) over (partition by p.record_id) as owned
  from {{ work }}pairs as p
  inner join {{ work }}leads as l on p.record_id = l.record_id and l.place > {{ protected.last_joining }}
  left join {{ work }}contested as c on p.v = c.v
  left join (select distinct v from {{ work }}touches) as t on p.v = t.v
) as r
where contested is null or owned = 0;
{{ create(work ~ 'all_edges_0') }}
select t.person as v, t.v as w
from {{ work }}touches as t
left join {{ work }}contested as c on t.v = c.v
where c.v is null
union
select l.v, p.v as w
from (
  select record_id, min(place * 2147483648 + v) % 2147483648 as v from {{ work }}loose group by record_id
) as l
inner join {{ work }}loose as p on l.record_id = p.record_id
where l.v <> p.v;
