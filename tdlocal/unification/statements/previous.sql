{# Who was who before this session: taken from the live lookup before the session changes it, so that a rerun
   still compares with the session before. Identifiers that an earlier run of this session worked on are as it
   found them; an incremental run takes only those it works on. The row without a key marks that there was
   an earlier run. #}
{{ create(work ~ 'previous') }}
select key_name, id, canonical_id, first_seen_at, valid_for
from {{ name }}_previous where valid_for = {{ session }}
union all
select k.key_name, l.id, l.{{ kind }}_id, l.id_first_seen_at, {{ session }}
from (
  select {{ kind }}_id, id, id_key_type, id_first_seen_at, id_last_processed_at
  from {{ name }}_lookup{{ daily(" where " ~ kind ~ "_id in (select canonical_id from " ~ work ~ "touched union select canonical_id from " ~ work ~ "seen)") }}
) as l
inner join {{ name }}_keys as k on l.id_key_type = k.key_type
left join {{ name }}_previous as b on b.valid_for = {{ session }} and b.id = l.id and b.key_name = k.key_name
where b.id is null and (
  coalesce(l.id_last_processed_at, 0) <> {{ session }}
  or not exists (select 1 as one from {{ name }}_previous where valid_for = {{ session }})
)
union all
select '', '', '', 0, {{ session }}
where not exists (select 1 as one from {{ name }}_previous where valid_for = {{ session }});
{{ create(name ~ '_keys__next') }}
select cast(key_type as bigint) as key_type, key_name, {{ session }} as built_for
from (values {% for key, number in numbers %}{{ ', ' if not loop.first }}({{ number | int }}, '{{ key }}'){% endfor %}) as t (key_type, key_name);
