-- Addresses that identify nobody, or not one person: one row per distinct raw address.
--
-- reads   staging emails_standard   one row per distinct raw address
-- writes  staging invalid_emails, replaced whole by wf04_stage
-- nulls   none; reason is malformed, placeholder, role or disposable (the last two stay usable)

select
    email,
    reason,
    sources,
    occurrences,
    ${session_unixtime} as built_for
from ${stg}_${sub}.emails_standard__next
where reason is not null
