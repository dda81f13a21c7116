{# Who was who before this session: taken from the live lookup once a session, so that a rerun after
   publishing still compares with the session before. The row without a key marks a first session. #}
create table if not exists {{ name }}_lookup (
    {{ kind }}_id varchar, id varchar, id_key_type bigint, {{ kind }}_id_first_seen_at bigint,
    {{ kind }}_id_last_seen_at bigint, id_first_seen_at bigint, id_last_seen_at bigint,
    id_source_table_ids array(bigint), id_last_processed_at bigint, built_for bigint
);
create table if not exists {{ name }}_keys (key_type bigint, key_name varchar);
create table if not exists {{ name }}_previous (
    key_name varchar, id varchar, canonical_id varchar, first_seen_at bigint, valid_for bigint
);
{{ create(work ~ 'previous') }}
select key_name, id, canonical_id, first_seen_at, valid_for
from {{ name }}_previous where valid_for = {{ session }}
union all
select k.key_name, l.id, l.{{ kind }}_id, l.id_first_seen_at, {{ session }}
from {{ name }}_lookup as l
inner join {{ name }}_keys as k on l.id_key_type = k.key_type
where not exists (select 1 as one from {{ name }}_previous where valid_for = {{ session }})
union all
select '', '', '', 0, {{ session }}
where not exists (select 1 as one from {{ name }}_previous where valid_for = {{ session }});
