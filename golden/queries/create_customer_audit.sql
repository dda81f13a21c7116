-- The audit table of the first run ever: empty, so that unified_customers can look back.
--
-- writes  golden customer_audit when it is not there; otherwise nothing happens

create table if not exists customer_audit (
    canonical_id varchar,
    row_checksum varchar,
    created_for bigint,
    updated_for bigint,
    built_for bigint
)
