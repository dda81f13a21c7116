{# The rows of the people who are worked on, as the source has them now. #}
{{ create(work ~ 's${s}') }}
select {{ listed }}
from (
  select {{ listed }}, sum(w_n) as w_n
  from (
    select {{ listed }}, 1 as w_n
    from "enriched_${sources[s].name}" as p
    where p.{{ id_column }} in (select canonical_id from {{ work }}touched)
    union all
    select {{ listed }}, 1 as w_n
    from "enriched_${sources[s].name}" as p
    where p.{{ id_column }} is null and p.built_for >= (select since from {{ work }}why)
    union all
    select {{ listed }}, p.w_n
    from {{ work }}d${s} as p
    left join {{ work }}aged as w_a on w_a.table_id = ${s + 1} and w_a.record_key = ${sources[s].k1}
    where w_a.record_key is null
  ) as p
  group by {{ listed }}
  having sum(w_n) > 0
) as p
cross join unnest(sequence(1, p.w_n)) as u (w_copy);
