{# Where everything is read and every key joins: identifiers and ties straight from the rows.
   nodes: every valid identifier, numbered. ties: the strongest identifier of a row with its others, or
   with itself. #}
{{ create(work ~ 'sources') }}
{{ table_bits }};
{{ create(work ~ 'nodes') }}
select kind, id, row_number() over () as v, first_seen_at, last_seen_at, table_mask
from (
  select
    kind, id, min(seen_at) as first_seen_at, max(seen_at) as last_seen_at, bitwise_or_agg(table_bit) as table_mask
  from (
{{ identifiers }}
  ) as c
  group by kind, id
) as n
where strpos(id, {{ separator }}) = 0 and {{ is_valid }};
{{ create(work ~ 'ties') }}
{{ ties }};
{{ create(work ~ 'all_edges_0') }}
select distinct lead as v, w from {{ work }}ties where lead <> w;
