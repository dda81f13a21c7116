{# Records of rows that came or went, their identifiers, and the people who have these. #}
{{ create(work ~ 'fresh') }}
select row_number() over () as record_id, table_id, record_key, seen_at, n from {{ work }}changed;
{{ create(work ~ 'parts') }}
select record_id, n, kind, id
from (
  select f.record_id, f.n, try_cast(substr(t.node, 1, 2) as bigint) as kind, substr(t.node, 4) as id
  from {{ work }}fresh as f
  cross join unnest(split(f.record_key, {{ separator }})) as t (node)
) as p
where {{ is_valid }};
{{ create(work ~ 'met') }}
select l.id_key_type as kind, l.id, l.{{ kind }}_id as canonical_id, l.id_first_seen_at as first_seen_at
from {{ name }}_lookup as l
inner join (select distinct kind, id from {{ work }}parts) as p on l.id = p.id and l.id_key_type = p.kind;
