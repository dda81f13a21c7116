{# records: every distinct set of identifiers of a table, each written NN:value, NN the key's type. nodes:
   every valid identifier, numbered. pairs: which identifier is in which record. #}
{{ create(work ~ 'sources') }}
{{ table_bits }};
{% if incremental %}
{# records of earlier runs are kept; of each source only rows from its mark on are read. Marks are taken
   before reading, so a row that arrives meanwhile is read next time. Those of the session before stay
   beside the new ones: a rerun reads what its first run read. #}
create table if not exists {{ name }}_kept (
    table_id bigint, record_key varchar, first_seen_at bigint, last_seen_at bigint, lead varchar,
    canonical_id varchar, layout varchar
);
create table if not exists {{ name }}_marks (table_name varchar, mark varchar, layout varchar, built_for bigint);
{{ create(name ~ '_marks__next') }}
{{ marks }}
union all
select table_name, mark, layout, built_for from {{ name }}_marks
where built_for = (select max(built_for) from {{ name }}_marks where built_for < {{ session }});
{{ create(work ~ 'fresh') }}
{{ branches }};
{# people whom no new row concerns are carried over as they are, when the last run was one like this #}
{{ create(work ~ 'carry') }}
select case when count(*) > 0 then {{ 1 if carries else 0 }} else 0 end as carried
from {{ name }}_marks
where layout = '{{ layout }}' and built_for = (select max(built_for) from {{ name }}_lookup);
{{ create(work ~ 'touched') }}
select distinct l.{{ kind }}_id as canonical_id
from {{ name }}_lookup as l
inner join (
  select distinct try_cast(substr(t.node, 1, 2) as bigint) as kind, substr(t.node, 4) as id
  from {{ work }}fresh as f
  cross join unnest(split(f.record_key, {{ separator }})) as t (node)
) as n on l.id = n.id and l.id_key_type = n.kind;
{% endif %}
{{ create(work ~ 'records') }}
select row_number() over () as record_id, table_id, table_bit, record_key, first_seen_at, last_seen_at
from (
{% if incremental %}
select
  table_id, table_bit, record_key, min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at
from (
  select table_id, table_bit, record_key, first_seen_at, last_seen_at from {{ work }}fresh
  union all
  select k.table_id, s.bit, k.record_key, k.first_seen_at, k.last_seen_at
  from {{ name }}_kept as k
  inner join {{ work }}sources as s on k.table_id = s.table_id
  cross join {{ work }}carry as c
  left join {{ work }}touched as t on k.canonical_id = t.canonical_id
  where k.layout = '{{ layout }}' and (c.carried = 0 or t.canonical_id is not null)
) as r
group by table_id, table_bit, record_key
{% else %}
{{ branches }}
{% endif %}
) as r;
{{ create(work ~ 'nodes') }}
{# which of a record's identifiers speaks for it hangs on these numbers where people are kept apart #}
select kind, id, row_number() over ({{ 'order by kind, id' if protected }}) as v, first_seen_at, last_seen_at, table_mask
from (
  select
    try_cast(substr(t.node, 1, 2) as bigint) as kind, substr(t.node, 4) as id,
    min(r.first_seen_at) as first_seen_at, max(r.last_seen_at) as last_seen_at,
    bitwise_or_agg(r.table_bit) as table_mask
  from {{ work }}records as r
  cross join unnest(split(r.record_key, {{ separator }})) as t (node)
  group by t.node
) as n
where {{ is_valid }};
{{ create(work ~ ('found' if protected else 'pairs')) }}
select e.record_id, n.v, n.kind{{ ', e.position' if not protected }}
from (
  select r.record_id{{ ', t.position' if not protected }}, try_cast(substr(t.node, 1, 2) as bigint) as kind, substr(t.node, 4) as id
  from {{ work }}records as r
  cross join unnest(split(r.record_key, {{ separator }})) {{ 'as t (node)' if protected else 'with ordinality as t (node, position)' }}
) as e
inner join {{ work }}nodes as n on e.kind = n.kind and e.id = n.id;
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
  select record_id, min({{ place('kind') if protected else 'position' }} * 2147483648 + v) as place from {{ work }}pairs group by record_id
) as l;
