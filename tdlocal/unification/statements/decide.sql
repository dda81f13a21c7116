select c.c, w.why, case when w.why = '' then 'work' else 'place' end as reading
from (
{{ columns }}
) as c
cross join {{ work }}why as w;
