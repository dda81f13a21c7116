delete from "${outputs[o]}" where ${gone[goes[o]]};
insert into "${outputs[o]}" (${td.last_results.c.split('␟')[o]}, built_for)
select ${td.last_results.c.split('␟')[o]}, built_for from "${outputs[o]}__next";
