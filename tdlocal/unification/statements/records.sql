{# records: every distinct set of identifiers of a table, each written NN:value, NN the key's type. nodes:
   every valid identifier, numbered. pairs: which identifier is in which record. #}
{{ create(work ~ 'sources') }}
{{ table_bits }};
{{ create(work ~ 'records') }}
select row_number() over () as record_id, table_id, table_bit, record_key, first_seen_at, last_seen_at{{ ', copies' if counted }}
from (
{{ branches }}
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
{% if incremental %}
  {{ daily("union all select n.v, n.kind, 0, s.others from " ~ work ~ "nodes as n inner join " ~ work ~ "still as s on n.kind = s.kind and n.id = s.id") }}
{% endif %}
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
