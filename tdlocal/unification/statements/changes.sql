{# The merges and splits of this session after those of earlier ones. #}
create table if not exists {{ changes }} (
    unification_id varchar, change varchar, canonical_id varchar, other_canonical_id varchar,
    identifiers bigint, cause varchar, session_unixtime bigint
);
{{ create(changes ~ '__next') }}
select
  unification_id, change, canonical_id, other_canonical_id, identifiers, cause, session_unixtime,
  {{ session }} as built_for
from (
  select unification_id, change, canonical_id, other_canonical_id, identifiers, cause, session_unixtime
  from {{ changes }} where session_unixtime <> {{ session }}{{ daily(' and 1 = 0') }}
{% for name, work in ids %}
  union all
  select
    '{{ name }}', case when h.home = 1 then 'merge' else 'split' end,
    case when h.home = 1 then p.canonical_id else h.canonical_id end,
    case when h.home = 1 then h.canonical_id else p.canonical_id end,
    h.identifiers,
    case when h.home = 1 then coalesce(c.cause, 'new identifiers') else 'link no longer in the data' end,
    {{ session }}
  from {{ work }}homes as h
  inner join {{ work }}people as p on h.label = p.label
  left join {{ work }}causes as c on h.label = c.label
  where h.canonical_id <> p.canonical_id
{% endfor %}
) as c;
