{# One row a source table and one, '*', for all: how many identifiers of each key there are, and how
   many people have them, with a histogram identifiers:people,… #}
{{ create(work ~ 'everywhere') }}
select 0 as table_id, '*' as table_name, -1 as bit union all select table_id, table_name, bit from {{ work }}sources;
{{ create(name ~ '_source_key_stats__next') }}
select
  t.table_name as from_table, max(r.total_distinct) as total_distinct,
{% for key, number in numbers %}
  cast(sum(case when s.kind = {{ number | int }} then s.identifiers else 0 end) as bigint) as distinct_{{ key }},
{% endfor %}
  {{ session }} as "time", {{ session }} as built_for
from {{ work }}everywhere as t
inner join (
  select kind, table_mask, count(*) as identifiers from {{ work }}labels group by kind, table_mask
) as s on bitwise_and(s.table_mask, t.bit) <> 0
inner join (
  select t.table_id, count(distinct e.v) as total_distinct
  from {{ work }}records as r
  inner join {{ work }}leads as e on r.record_id = e.record_id
  cross join unnest(array[0, r.table_id]) as t (table_id)
  group by t.table_id
) as r on t.table_id = r.table_id
group by t.table_name;
{{ create(work ~ 'counts') }}
select kind, table_mask, identifiers, count(*) as people
from (
  select l.label, l.kind, p.table_mask, count(*) as identifiers
  from {{ work }}labels as l
  inner join {{ work }}people as p on l.label = p.label
  group by l.label, l.kind, p.table_mask
) as c
group by kind, table_mask, identifiers;
{{ create(name ~ '_result_key_stats__next') }}
select
  h.from_table, cast(max(d.total_distinct) as bigint) as total_distinct,
{% for key, number in numbers %}
  cast(sum(case when h.kind = {{ number | int }} then h.people else 0 end) as bigint) as distinct_with_{{ key }},
{% endfor %}
{% for key, number in numbers %}
  array_join(array_agg(h.bar order by h.identifiers) filter (where h.kind = {{ number | int }}), ',') as histogram_{{ key }},
{% endfor %}
  {{ session }} as "time", {{ session }} as built_for
from (
  select
    t.table_name as from_table, c.kind, c.identifiers, sum(c.people) as people,
    cast(c.identifiers as varchar) || ':' || cast(sum(c.people) as varchar) as bar
  from {{ work }}everywhere as t
  inner join {{ work }}counts as c on bitwise_and(c.table_mask, t.bit) <> 0
  group by t.table_name, c.kind, c.identifiers
) as h
inner join (
  select t.table_name as from_table, sum(p.people) as total_distinct
  from {{ work }}everywhere as t
  inner join (select table_mask, count(*) as people from {{ work }}people group by table_mask) as p
    on bitwise_and(p.table_mask, t.bit) <> 0
  group by t.table_name
) as d on h.from_table = d.from_table
group by h.from_table;
