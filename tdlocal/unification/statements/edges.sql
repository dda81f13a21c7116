{% if incremental and protected %}
{{ create(work ~ 'region_edges_0') }}
select distinct l.v, p.v as w
from {{ work }}leads as l
inner join {{ work }}pairs as p on l.record_id = p.record_id
where l.v <> p.v;
{% endif %}
{# Every identifier of a record with its strongest one; protected: only kinds that may join people. #}
{{ create(work ~ ('strong' if protected else 'all') ~ '_edges_0') }}
select distinct l.v, p.v as w
from {{ work }}leads as l
inner join {{ work }}pairs as p on l.record_id = p.record_id
where l.v <> p.v{% if protected %} and {{ protected.joins('p.kind') }} and l.place <= {{ protected.last_joining }}{% endif %};
