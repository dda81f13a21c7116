{# touched: the people whom a row concerns that came or went, with everybody whom their identifiers lead to.
   An identifier shared by too many leads nowhere as long as it stays so. aged: people seen again, by
   records that they had before and nothing else: who they are stays, only the time of it changes. #}
{{ create(work ~ 'again') }}
select f.record_id, min(h.canonical_id) as canonical_id
from {{ work }}fresh as f
inner join (
  select distinct h.table_id, h.record_key, h.canonical_id
  from {{ work }}held as h
  inner join (select distinct table_id, record_key from {{ work }}fresh) as f
    on h.table_id = f.table_id and h.record_key = f.record_key
) as h on f.table_id = h.table_id and f.record_key = h.record_key
inner join (
  select table_id, record_key from {{ work }}fresh group by table_id, record_key having min(n) > 0
) as g on f.table_id = g.table_id and f.record_key = g.record_key
inner join {{ work }}parts as p on f.record_id = p.record_id
left join {{ work }}met as m on p.kind = m.kind and p.id = m.id
{% if told_by_rows %}
where f.table_id not in ({{ told_by_rows | join(', ') }})
{% endif %}
group by f.record_id, f.seen_at
{# an identifier that is nobody's is shared by too many: how often it is seen is counted #}
having count(m.id) = count(*) and max(m.first_seen_at) <= f.seen_at;
{% if protected %}
{# still: identifiers that were shared by too many, and are with the rows of today #}
{{ create(work ~ 'still') }}
select kind, id, max(others) as others
from (
  select kind, id, other_kind, count(*) as others
  from (
    select kind, id, other_kind, other_id
    from (
      select kind, id, other_kind, other_id, n from {{ name }}_contacts where other_kind > 0
      union all
      select a.kind, a.id, b.kind, b.id, a.n
      from {{ work }}parts as a
      inner join (select distinct kind, id from {{ name }}_contacts) as c on a.kind = c.kind and a.id = c.id
      inner join {{ work }}parts as b on a.record_id = b.record_id and a.kind <> b.kind
      where {{ protected.is_profile('b.kind') }}
    ) as c
    group by kind, id, other_kind, other_id having sum(n) > 0
  ) as c
  group by kind, id, other_kind having count(*) > {{ protected.limit('kind') }}
) as c
group by kind, id;
{{ create(work ~ 'freed') }}
select distinct c.region
from {{ name }}_contacts as c
left join {{ work }}still as s on c.kind = s.kind and c.id = s.id
where s.id is null;
{% endif %}
{{ create(work ~ 'touched') }}
{% if protected %}
select canonical_id from {{ name }}_regions
where region in (
  select region from {{ work }}freed
  union
  select r.region
  from {{ name }}_regions as r
  inner join (
{% endif %}
select m.canonical_id
from {{ work }}met as m
inner join {{ work }}parts as p on m.kind = p.kind and m.id = p.id
left join {{ work }}again as a on p.record_id = a.record_id
where a.record_id is null
union
select {{ kind }}_id from {{ name }}_lookup
where id_last_processed_at = {{ session }}
{% if protected %}
  ) as m on r.canonical_id = m.canonical_id
)
{% endif %}
;
{# rows of nobody are worked on, too, when one of them went or may be somebody's now #}
{{ create(work ~ 'why') }}
select
  case when t.touched * 3 > p.people then 'more than a third of all people are concerned' else '' end as why,
  case when g.gone > 0 then 0 else {{ session }} end as since, {{ session }} as session_unixtime
from (select count(*) as touched from {{ work }}touched) as t
cross join (select count(*) as people from {{ name }}_leads) as p
cross join (
  select count(*) as gone
  from (
    select f.record_id
    from {{ work }}fresh as f
    left join {{ work }}parts as p on f.record_id = p.record_id
    left join {{ work }}met as m on p.kind = m.kind and p.id = m.id
    where f.n < 0
    group by f.record_id having count(m.id) = 0
{% if protected %}
    union all
    select 0 as record_id from {{ work }}freed where region = ''
{% endif %}
  ) as r
) as g;
{{ create(work ~ 'aged') }}
select f.table_id, f.record_key, a.canonical_id, max(f.seen_at) as seen_at
from {{ work }}again as a
inner join {{ work }}fresh as f on a.record_id = f.record_id
where a.canonical_id not in (select canonical_id from {{ work }}touched)
group by f.table_id, f.record_key, a.canonical_id;
{# their identifiers may be of several people: a shared one is somebody by itself #}
{{ create(work ~ 'seen') }}
select m.kind, m.id, m.canonical_id, max(p.seen_at) as seen_at
from (
  select try_cast(substr(t.node, 1, 2) as bigint) as kind, substr(t.node, 4) as id, a.seen_at
  from {{ work }}aged as a
  cross join unnest(split(a.record_key, {{ separator }})) as t (node)
) as p
inner join {{ work }}met as m on p.kind = m.kind and p.id = m.id
group by m.kind, m.id, m.canonical_id;
delete from {{ work }}seen where (select why from {{ work }}why) <> '';
delete from {{ work }}aged where (select why from {{ work }}why) <> '';
delete from {{ work }}touched where (select why from {{ work }}why) <> '';
