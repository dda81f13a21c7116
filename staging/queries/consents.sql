-- Consents, cleaned: one row per consent given or withdrawn.
--
-- reads   source consents   one row per source record
--         staging *_standard, words   what each raw value means
-- writes  staging consents, replaced whole by wf04_stage (consents_email, consents_phone split it)
-- nulls   trfmd_consent_flag is null when the raw word is unknown: never taken for a yes

select
    -- as the source sent it
    consents.id,
    consents.id_type,
    consents.consent_type,
    consents.consent_flag,
    consents.time,

    -- ids
    emails.trfmd_email,
    emails.valid_email_flag,
    phones.trfmd_phone_number,

    -- what
    case
        when emails.email is not null then 'email'
        when phones.phone_number is not null then 'phone_number'
        else id_types.code
    end as trfmd_id_type,
    -- an address given for nothing in particular is given for e-mails; a telephone may mean calls
    coalesce(
        consent_types.code,
        lower(nullif(trim(consents.consent_type), '')),
        case when emails.email is not null then 'email' end
    ) as trfmd_consent_type,
    case flags.code when 'true' then 'True' when 'false' then 'False' end as trfmd_consent_flag,

    ${session_unixtime} as built_for
from ${src}_${sub}.consents as consents
left join ${stg}_${sub}.emails_standard__next as emails on consents.id = emails.email
left join ${stg}_${sub}.phones_standard__next as phones
    on
        strpos(consents.id, '@') = 0
        and consents.id = phones.phone_number
        and phones.country = ''
left join ${stg}_${sub}.words__next as id_types
    on id_types.kind = 'id_type' and lower(trim(consents.id_type)) = id_types.word
left join ${stg}_${sub}.words__next as flags
    on flags.kind = 'flag' and lower(trim(consents.consent_flag)) = flags.word
left join ${stg}_${sub}.words__next as consent_types
    on
        consent_types.kind = 'consent_type'
        and lower(trim(consents.consent_type)) = consent_types.word
