{# The columns of every output, built_for apart. #}
select array_join(array_agg(c order by n), '␟') as c
from (
  select t.n, array_join(array_agg('"' || c.column_name || '"' order by c.ordinal_position), ', ') as c
  from information_schema.columns as c
  cross join unnest(array['${outputs.join("','")}']) with ordinality as t (name, n)
  where c.table_schema = '{{ database }}' and c.table_name = lower(t.name) || '__next' and c.column_name <> 'built_for'
  group by t.n
) as c
