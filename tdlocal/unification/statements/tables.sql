{# What a first session reads too. #}
create table if not exists {{ name }}_lookup (
    {{ kind }}_id varchar, id varchar, id_key_type bigint, {{ kind }}_id_first_seen_at bigint,
    {{ kind }}_id_last_seen_at bigint, id_first_seen_at bigint, id_last_seen_at bigint,
    id_source_table_ids array(bigint), id_last_processed_at bigint, built_for bigint
);
create table if not exists {{ name }}_keys (key_type bigint, key_name varchar);
create table if not exists {{ name }}_previous (
    key_name varchar, id varchar, canonical_id varchar, first_seen_at bigint, valid_for bigint
);
