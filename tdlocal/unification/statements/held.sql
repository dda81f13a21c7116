{# The records of people whose identifiers stand in a changed row. #}
delete from {{ work }}held where table_id = ${s + 1};
insert into {{ work }}held (table_id, record_key, canonical_id)
select ${s + 1}, ${sources[s].k1}, p.{{ id_column }}
from "enriched_${sources[s].name}" as p
where p.{{ id_column }} in (select canonical_id from {{ work }}met);
