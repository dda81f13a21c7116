{# One row a source table and one, '*', for all: how many identifiers of each key there are, and how
   many people have them, with a histogram identifiers:people,… #}
{% set members = work ~ 'members' if incremental else '(select l.label, n.kind, n.table_mask from ' ~ work ~ 'nodes as n inner join ' ~ work ~ 'labels as l on n.v = l.v)' %}
{% set heads = work ~ ('heads' if incremental else 'people') %}
{% if incremental %}
{# people carried over count too: everybody is read from the new lookup #}
{{ create(work ~ 'bits') }}
select m.table_ids, sum(s.bit) as table_mask
from (select distinct id_source_table_ids as table_ids from {{ name }}_lookup__next) as m
cross join unnest(m.table_ids) as u (table_id)
inner join {{ work }}sources as s on u.table_id = s.table_id
group by m.table_ids;
{{ create(members) }}
select l.{{ kind }}_id as label, l.id_key_type as kind, b.table_mask
from {{ name }}_lookup__next as l
inner join {{ work }}bits as b on l.id_source_table_ids = b.table_ids;
{{ create(heads) }}
select label, bitwise_or_agg(table_mask) as table_mask from {{ members }} group by label;
{% endif %}
{{ create(work ~ 'everywhere') }}
select 0 as table_id, '*' as table_name, -1 as bit union all select table_id, table_name, bit from {{ work }}sources;
{{ create(name ~ '_source_key_stats__next') }}
select
  t.table_name as from_table, max(r.total_distinct) as total_distinct,
{% for key, number in numbers %}
  sum(case when s.kind = {{ number | int }} then s.identifiers else 0 end) as distinct_{{ key }},
{% endfor %}
  {{ session }} as "time", {{ session }} as built_for
from {{ work }}everywhere as t
inner join (
  select kind, table_mask, count(*) as identifiers from {{ members }} as m group by kind, table_mask
) as s on bitwise_and(s.table_mask, t.bit) <> 0
inner join (
{% if incremental %}
  select t.table_id, count(distinct r.lead) as total_distinct
  from {{ name }}_kept__next as r
{% elif direct %}
  select t.table_id, count(distinct r.lead) as total_distinct
  from {{ work }}ties as r
{% else %}
  select t.table_id, count(distinct e.v) as total_distinct
  from {{ work }}records as r
  inner join {{ work }}leads as e on r.record_id = e.record_id
{% endif %}
  cross join unnest(array[0, r.table_id]) as t (table_id)
  group by t.table_id
) as r on t.table_id = r.table_id
group by t.table_name;
{{ create(work ~ 'counts') }}
select kind, table_mask, identifiers, count(*) as people
from (
  select l.label, l.kind, p.table_mask, count(*) as identifiers
  from {{ members }} as l
  inner join {{ heads }} as p on l.label = p.label
  group by l.label, l.kind, p.table_mask
) as c
group by kind, table_mask, identifiers;
{{ create(name ~ '_result_key_stats__next') }}
select
  h.from_table, max(d.total_distinct) as total_distinct,
{% for key, number in numbers %}
  sum(case when h.kind = {{ number | int }} then h.people else 0 end) as distinct_with_{{ key }},
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
  inner join (select table_mask, count(*) as people from {{ heads }} group by table_mask) as p
    on bitwise_and(p.table_mask, t.bit) <> 0
  group by t.table_name
) as d on h.from_table = d.from_table
group by h.from_table;
