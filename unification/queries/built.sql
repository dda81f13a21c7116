-- Where the service left its tables: beside the live ones (`__next`), or live.
--
-- reads   information_schema of cdp_unification
-- gives   one row; `built` is appended to the tables' names

select coalesce(max('__next'), '') as built
from information_schema.tables
where table_schema = '${unif}_${sub}' and table_name = '${unification_id}_lookup__next'
