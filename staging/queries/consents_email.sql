-- Consents of an e-mail address: one row per consent given or withdrawn.
--
-- reads   staging consents   one row per consent
-- writes  staging consents_email, replaced whole by wf04_stage
-- nulls   trfmd_email is null when the identifier identifies nobody

select
    id,
    id_type,
    consent_type,
    consent_flag,
    time,
    trfmd_email,
    valid_email_flag,
    trfmd_id_type,
    trfmd_consent_type,
    trfmd_consent_flag,
    ${session_unixtime} as built_for
from ${stg}_${sub}.consents__next
where trfmd_id_type = 'email'
