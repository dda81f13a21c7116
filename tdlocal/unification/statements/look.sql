{# Whether the tables that the last run left can be gone on from, and why not. #}
create table if not exists {{ name }}_state (layout varchar, built_for bigint);
create table if not exists {{ name }}_leads (
    canonical_id varchar, table_mask bigint, leads bigint, built_for bigint
);
{{ create(work ~ 'changed') }}
select cast(0 as bigint) as table_id, '' as record_key, cast(0 as bigint) as seen_at, cast(0 as bigint) as n where 1 = 0;
{{ create(work ~ 'held') }}
select cast(0 as bigint) as table_id, '' as record_key, '' as canonical_id where 1 = 0;
{{ create(work ~ 'touched') }}
select '' as canonical_id where 1 = 0;
{{ create(work ~ 'aged') }}
select 0 as table_id, '' as record_key, '' as canonical_id, 0 as seen_at where 1 = 0;
{{ create(work ~ 'seen') }}
select 0 as kind, '' as id, '' as canonical_id, 0 as seen_at where 1 = 0;
{{ create(work ~ 'why') }}
select
  case
    when s.layout is null then 'there is no state of an earlier incremental run'
    when s.layout <> '{{ layout }}' then 'unify.yml or match.yml changed'
    when s.built_for < l.built_for then 'the last run was not incremental'
    when t.there < ${outputs.length} then 'a table of the last run is missing'
    when c.differing > 0 then 'the columns of a source changed'
    else ''
  end as why,
  {{ session }} as since, {{ session }} as session_unixtime
from (select max(layout) as layout, max(built_for) as built_for from {{ name }}_state) as s
cross join (select max(built_for) as built_for from {{ name }}_lookup) as l
cross join (
  select count(*) as there from information_schema.tables
  where table_schema = '{{ database }}' and table_name in ('${outputs.join("','").toLowerCase()}')
) as t
cross join (
  select count(*) as differing
  from (
    select n, column_name, data_type
    from (
      select t.n, c.column_name, c.data_type, 1 as side
      from information_schema.columns as c
      inner join ${places} on c.table_schema = t.s and c.table_name = t.name
      union all
      select t.n, c.column_name, c.data_type, -1 as side
      from information_schema.columns as c
      inner join ${places} on c.table_schema = '{{ database }}' and c.table_name = t.enriched
    ) as b
    where column_name not in ({{ own_columns }})
    group by n, column_name, data_type
    having sum(side) <> 0
  ) as d
) as c;
