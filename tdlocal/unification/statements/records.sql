{# records: every distinct set of identifiers of a table. nodes: every valid identifier, numbered.
   pairs: which identifier is in which record. Identifiers are written NN:value, NN the key's type. #}
{{ create(work ~ 'sources') }}
{{ table_bits }};
{% if incremental %}
{# records of earlier runs are kept; of each source only rows from its mark on are read. Marks are taken
   before reading, so a row that arrives meanwhile is read next time. #}
create table if not exists {{ name }}_records (
    table_name varchar, record_key varchar, first_seen_at bigint, last_seen_at bigint, layout varchar
);
create table if not exists {{ name }}_marks (table_name varchar, mark varchar, layout varchar);
{{ create(name ~ '_marks__next') }}
{{ marks }};
{% endif %}
{{ create(work ~ 'records') }}
select row_number() over () as record_id, table_id, table_bit, record_key, first_seen_at, last_seen_at
from (
{% if incremental %}
select
  table_id, table_bit, record_key, min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at
from (
{{ branches }}
union all
select s.table_id, s.bit, r.record_key, r.first_seen_at, r.last_seen_at
from {{ name }}_records as r
inner join {{ work }}sources as s on r.table_name = s.table_name
where r.layout = '{{ layout }}'
) as r
group by table_id, table_bit, record_key
{% else %}
{{ branches }}
{% endif %}
) as r;
{% if incremental %}
{{ create(name ~ '_records__next') }}
select s.table_name, r.record_key, r.first_seen_at, r.last_seen_at, '{{ layout }}' as layout, {{ session }} as built_for
from {{ work }}records as r
inner join {{ work }}sources as s on r.table_id = s.table_id;
{% endif %}
{{ create(work ~ 'nodes') }}
select node, kind, row_number() over () as v, first_seen_at, last_seen_at, table_mask
from (
  select
    t.node, try_cast(substr(t.node, 1, 2) as bigint) as kind, min(r.first_seen_at) as first_seen_at,
    max(r.last_seen_at) as last_seen_at, bitwise_or_agg(r.table_bit) as table_mask
  from {{ work }}records as r
  cross join unnest(split(r.record_key, {{ separator }})) as t (node)
  group by t.node
) as n
where case kind
{% for number, rule in rules %}
  when {{ number }} then {{ rule }}
{% endfor %}
  else false end;
{{ create(work ~ ('found' if protected else 'pairs')) }}
select e.record_id, n.v, n.kind
from (
  select r.record_id, t.node
  from {{ work }}records as r
  cross join unnest(split(r.record_key, {{ separator }})) as t (node)
) as e
inner join {{ work }}nodes as n on e.node = n.node;
{% if protected %}
{# identifiers shared by more profiles than their limit identify nobody #}
{{ create(work ~ 'shared') }}
select v, kind, max(others) as others
from (
  select a.v, a.kind, b.kind as other_kind, count(distinct b.v) as others
  from {{ work }}found as a
  inner join {{ work }}found as b on a.record_id = b.record_id
  where {{ protected.is_limited('a.kind') }} and {{ protected.is_profile('b.kind') }} and a.kind <> b.kind
  group by a.v, a.kind, b.kind
) as c
where others > {{ protected.limit('kind') }}
group by v, kind;
{{ create(work ~ 'pairs') }}
select f.record_id, f.v, f.kind
from {{ work }}found as f
left join {{ work }}shared as s on f.v = s.v
where s.v is null;
{% endif %}
{{ create(work ~ 'leads') }}
select record_id, place % 2147483648 as v, place / 2147483648 as place
from (
  select record_id, min({{ place('kind') }} * 2147483648 + v) as place from {{ work }}pairs group by record_id
) as l;
