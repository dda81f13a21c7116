{# A component keeps the id its identifiers had: of several the oldest. An id whose identifiers lie in
   several components stays where most of them are. A new id is a hash of the first-seen identifier; is
   that id kept by another part of a split, of it and the session. #}
{# sixteen digits, when it was first seen and how strong it is, and the identifier #}
{% macro age(seen, kind, id) %}cast(1000000000000000 + {{ seen }} * 100 + {{ kind }} as varchar) || {{ id }}{% endmacro %}
{% macro id_of(text) %}lower(substr(to_hex(sha256(to_utf8({{ text }}))), 1, 32)){% endmacro %}
{{ create(work ~ 'before') }}
select k.key_type as kind, b.id, b.canonical_id, b.first_seen_at
from {{ name }}_previous as b
inner join {{ name }}_keys__next as k on b.key_name = k.key_name
where b.canonical_id <> '';
{{ create(work ~ 'known') }}
select
  l.label, b.canonical_id, count(*) as identifiers, min({{ age('b.first_seen_at', 'b.kind', 'b.id') }}) as age
from {{ work }}nodes as n
inner join {{ work }}before as b on n.kind = b.kind and n.id = b.id
inner join {{ work }}labels as l on n.v = l.v
group by l.label, b.canonical_id;
{{ create(work ~ 'homes') }}
select
  label, canonical_id, identifiers, home,
  row_number() over (partition by label, home order by born, canonical_id) as seniority
from (
  select
    k.label, k.canonical_id, k.identifiers, b.born,
    row_number() over (partition by k.canonical_id order by k.identifiers desc, k.age) as home
  from {{ work }}known as k
  inner join (
    select canonical_id, min({{ age('first_seen_at', 'kind', 'id') }}) as born
    from {{ work }}before group by canonical_id
  ) as b on k.canonical_id = b.canonical_id
) as h;
{{ create(work ~ 'people') }}
select
  f.label, f.leader_kind, f.leader_id, f.table_mask, f.first_seen_at, f.last_seen_at,
  coalesce(
    h.canonical_id,
    case when t.canonical_id is null then f.new_id else {{ id_of("f.text || '#" ~ session ~ "'") }} end
  ) as canonical_id
from (
  select label, leader_kind, leader_id, table_mask, first_seen_at, last_seen_at, text, {{ id_of('text') }} as new_id
  from (
    select
      g.label, k.key_type as leader_kind, substr(g.founder, 17) as leader_id, g.table_mask, g.first_seen_at,
      g.last_seen_at, k.key_name || ':' || substr(g.founder, 17) as text
    from (
      select
        l.label, min({{ age('n.first_seen_at', 'n.kind', 'n.id') }}) as founder,
        bitwise_or_agg(n.table_mask) as table_mask,
        min(n.first_seen_at) as first_seen_at, max(n.last_seen_at) as last_seen_at
      from {{ work }}labels as l
      inner join {{ work }}nodes as n on l.v = n.v
      group by l.label
    ) as g
    inner join {{ name }}_keys__next as k on cast(substr(g.founder, 15, 2) as bigint) = k.key_type
  ) as p
) as f
left join {{ work }}homes as h on f.label = h.label and h.home = 1 and h.seniority = 1
left join (
  select distinct canonical_id from {{ work }}before
{% if incremental %}
  {{ daily("union select canonical_id from " ~ name ~ ("_regions" if protected else "_leads") ~ " where canonical_id not in (select canonical_id from " ~ work ~ "touched)") }}
{% endif %}
) as t on f.new_id = t.canonical_id;
{% if not direct %}
{{ create(work ~ 'rows') }}
select r.record_id, r.table_id, r.record_key, p.canonical_id
from {{ work }}records as r
inner join {{ work }}{{ 'owners' if protected else 'leads' }} as e on r.record_id = e.record_id
inner join {{ work }}labels as l on e.v = l.v
inner join {{ work }}people as p on l.label = p.label;
{% endif %}
