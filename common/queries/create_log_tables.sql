-- Tables of va_config_<sub> that every run appends to; made once, never dropped.
--
-- log_tbl        one row per change of state of a workflow: running, then success or failure
-- run_decisions  one row per question "run or skip?", with the reason
-- publish_log    one row per table that was published or rolled back
-- run_metrics    queries, seconds, rows and bytes of each task; of the whole workflow (task is '')
--                those, and how many tables the layers it writes have
-- times are UTC, those of the account; logged_at is unix milliseconds

create table if not exists log_tbl (
    workflow varchar,
    status varchar,
    start_time varchar,
    end_time varchar,
    error_message varchar,
    stack_trace varchar,
    run_id varchar,
    session_time varchar,
    session_unixtime bigint,
    attempt bigint,
    duration_seconds double,
    record_count bigint,
    config_hash varchar,
    reason varchar,
    logged_at bigint,
    time bigint
);

create table if not exists run_decisions (
    workflow varchar,
    decision varchar,
    reason varchar,
    run_id varchar,
    session_unixtime bigint,
    config_hash varchar,
    decided_at varchar,
    time bigint
);

create table if not exists publish_log (
    database_name varchar,
    table_name varchar,
    action varchar,
    session_unixtime bigint,
    built_for bigint,
    row_count bigint,
    run_id varchar,
    published_at varchar,
    time bigint
);

create table if not exists run_metrics (
    workflow varchar,
    session_unixtime bigint,
    run_id varchar,
    task varchar,
    metric varchar,
    value double,
    time bigint
)
