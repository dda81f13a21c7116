-- The members' table of the first run ever: empty, so that the parent segment can be made on it.
--
-- writes  analytics segment_members when it is not there; otherwise nothing happens

create table if not exists segment_members (
    canonical_id varchar,
    segment varchar,
    built_for bigint
)
