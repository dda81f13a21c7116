{{ create('"${outputs[o]}__all"') }}
select ${td.last_results.c.split('␟')[o]}, {{ session }} as built_for from "${outputs[o]}"
where case when ${gone[goes[o]]} then 1 else 0 end = 0
union all
select ${td.last_results.c.split('␟')[o]}, built_for from "${outputs[o]}__next";
