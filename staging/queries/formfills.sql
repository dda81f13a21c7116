-- Form submissions, cleaned: one row per submission; the bridge from cookie to person.
--
-- reads   source formfills   one row per source record
--         staging *_standard, words   what each raw value means
-- writes  staging formfills, replaced whole by wf04_stage
-- nulls   a trfmd_ column is null when the raw value says nothing

select
    -- as the source sent it
    forms.email,
    forms.phone_number,
    forms.td_global_id,
    forms.td_client_id,
    forms.form_type,
    forms.time,

    -- ids
    emails.trfmd_email,
    emails.valid_email_flag,
    phones.trfmd_phone_number,
    case when no_browsers.word is null then nullif(trim(forms.td_client_id), '') end
        as trfmd_td_client_id,
    nullif(trim(forms.td_global_id), '') as trfmd_td_global_id,

    -- what
    lower(nullif(trim(forms.form_type), '')) as trfmd_form_type,

    ${session_unixtime} as built_for
from ${src}_${sub}.formfills as forms
left join ${stg}_${sub}.emails_standard__next as emails on forms.email = emails.email
left join ${stg}_${sub}.phones_standard__next as phones
    on forms.phone_number = phones.phone_number and phones.country = ''
left join ${stg}_${sub}.words__next as no_browsers
    on
        no_browsers.kind in ('placeholder', 'placeholder_id')
        and lower(trim(forms.td_client_id)) = no_browsers.word
