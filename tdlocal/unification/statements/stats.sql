{# One row a source table and one, '*', for all: how many identifiers of each key there are, and how
   many people have them, with a histogram identifiers:people,… #}
{% set members = work ~ 'members' if incremental else '(select l.label, n.kind, n.table_mask, 1 as w_n from ' ~ work ~ 'nodes as n inner join ' ~ work ~ 'labels as l on n.v = l.v)' %}
{% set heads = '(select label, w_n, bitwise_or_agg(table_mask) as table_mask from ' ~ members ~ ' group by label, w_n)' if incremental else '(select label, table_mask, 1 as w_n from ' ~ work ~ 'people)' %}
{% if incremental %}
{# with those who are worked on as they were at the last run, to be taken off: nobody, when all are #}
{{ create(work ~ 'bits') }}
select m.table_ids, sum(s.bit) as table_mask
from (
  select distinct id_source_table_ids as table_ids
  from {{ name }}_lookup where {{ kind }}_id in (select canonical_id from {{ work }}touched)
) as m
cross join unnest(m.table_ids) as u (table_id)
inner join {{ work }}sources as s on u.table_id = s.table_id
group by m.table_ids;
{{ create(members) }}
select cast(l.label as varchar) as label, n.kind, n.table_mask, 1 as w_n
from {{ work }}nodes as n
inner join {{ work }}labels as l on n.v = l.v
union all
select l.{{ kind }}_id, l.id_key_type, b.table_mask, -1
from {{ name }}_lookup as l
inner join {{ work }}bits as b on l.id_source_table_ids = b.table_ids
where l.{{ kind }}_id in (select canonical_id from {{ work }}touched);
{% endif %}
{{ create(work ~ 'everywhere') }}
select 0 as table_id, '*' as table_name, -1 as bit union all select table_id, table_name, bit from {{ work }}sources;
{% set counts = name ~ '_tallies__next' if incremental else work ~ 'counts' %}
{{ create(counts) }}
select what, kind, table_mask, identifiers, sum(n) as n, {{ session }} as built_for
from (
  select 'identifiers' as what, kind, table_mask, 0 as identifiers, sum(w_n) as n
  from {{ members }} as m group by kind, table_mask
  union all
  select 'people', kind, table_mask, identifiers, sum(w_n)
  from (
    select m.label, m.kind, m.w_n, h.table_mask, count(*) as identifiers
    from {{ members }} as m
    inner join {{ heads }} as h on m.label = h.label and m.w_n = h.w_n
    group by m.label, m.kind, m.w_n, h.table_mask
  ) as c
  group by kind, table_mask, identifiers
  union all
  select 'heads', 0, table_mask, 0, sum(w_n) from {{ heads }} as h group by table_mask
  union all
  select 'leads', 0, table_mask, 0, count(*) from ({{ leads }}) as l group by table_mask
{% if incremental %}
  union all
  select 'leads', 0, table_mask, 0, -leads
  from {{ name }}_leads where canonical_id in (select canonical_id from {{ work }}touched)
  {{ daily('union all select what, kind, table_mask, identifiers, n from ' ~ name ~ '_tallies') }}
{% endif %}
) as c
group by what, kind, table_mask, identifiers having sum(n) <> 0;
{{ create(name ~ '_source_key_stats__next') }}
select
  t.table_name as from_table, sum(if(s.what = 'leads', s.n, 0)) as total_distinct,
{% for key, number in numbers %}
  sum(if(s.kind = {{ number | int }}, s.n, 0)) as distinct_{{ key }},
{% endfor %}
  {{ session }} as "time", {{ session }} as built_for
from {{ work }}everywhere as t
inner join {{ counts }} as s on bitwise_and(s.table_mask, t.bit) <> 0 and s.what in ('identifiers', 'leads')
group by t.table_name;
{{ create(name ~ '_result_key_stats__next') }}
select
  h.from_table, max(d.total_distinct) as total_distinct,
{% for key, number in numbers %}
  sum(if(h.kind = {{ number | int }}, h.people, 0)) as distinct_with_{{ key }},
{% endfor %}
{% for key, number in numbers %}
  max(if(h.kind = {{ number | int }}, h.bars)) as histogram_{{ key }},
{% endfor %}
  {{ session }} as "time", {{ session }} as built_for
from (
  select from_table, kind, sum(people) as people, array_join(array_agg(bar order by identifiers), ',') as bars
  from (
    select
      t.table_name as from_table, c.kind, c.identifiers, sum(c.n) as people,
      cast(c.identifiers as varchar) || ':' || cast(sum(c.n) as varchar) as bar
    from {{ work }}everywhere as t
    inner join {{ counts }} as c on bitwise_and(c.table_mask, t.bit) <> 0 and c.what = 'people'
    group by t.table_name, c.kind, c.identifiers
  ) as b
  group by from_table, kind
) as h
inner join (
  select t.table_name as from_table, sum(p.n) as total_distinct
  from {{ work }}everywhere as t
  inner join {{ counts }} as p on bitwise_and(p.table_mask, t.bit) <> 0 and p.what = 'heads'
  group by t.table_name
) as d on h.from_table = d.from_table
group by h.from_table;
