{{ create(work ~ 'all_edges_0') }}
select distinct l.v, p.v as w
from {{ work }}leads as l
inner join {{ work }}pairs as p on l.record_id = p.record_id
where l.v <> p.v;
