{# Rows that a source has now (above 0) or had at the last run (below), as often. #}
{{ create(work ~ 'd${s}') }}
select {{ listed }}, sum(w_n) as w_n
from (
  select {{ listed }}, 1 as w_n from ${sources[s].place} as p
  union all
  select {{ listed }}, -1 as w_n from "enriched_${sources[s].name}" as p
) as p
group by {{ listed }}
having sum(w_n) <> 0;
delete from {{ work }}changed where table_id = ${s + 1};
insert into {{ work }}changed (table_id, record_key, seen_at, n)
select ${s + 1}, ${sources[s].k1}, {{ seen_at }}, p.w_n from {{ work }}d${s} as p;
