{# Rows of people who are only seen again{{ ', and those they had: their master rows are made of all' if masters }}. #}
insert into "enriched_${sources[s].name}__next" (${td.last_results.c.split('␟')[s].replace(/p[.](?=\x22)/g, String())}, {{ id_column }}, built_for)
select {{ listed }}, w_a.canonical_id, {{ session }}
from {{ work }}d${s} as p
inner join {{ work }}aged as w_a on w_a.table_id = ${s + 1} and w_a.record_key = ${sources[s].k1}
cross join unnest(sequence(1, p.w_n)) as u (w_copy)
{% if masters %}
union all
select {{ listed }}, p.{{ id_column }}, {{ session }}
from "enriched_${sources[s].name}" as p
where p.{{ id_column }} in (select canonical_id from {{ work }}seen)
{% endif %}
;
