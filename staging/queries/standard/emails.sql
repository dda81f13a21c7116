-- What each e-mail address means: one row per distinct raw address of any source.
--
-- reads   source tables that carry an address, staging words
-- writes  staging emails_standard, replaced whole by wf04_stage
-- nulls   trfmd_email is null when the address identifies nobody (malformed, placeholder);
--         reason is null for an address without remark

with

raw_emails as (

    select
        'loyalty_profile' as source,
        email
    from ${src}_${sub}.loyalty_profile
    union all
    select
        'loyalty_profile' as source,
        secondary_email as email
    from ${src}_${sub}.loyalty_profile
    union all
    select
        'order_digital_transactions' as source,
        email
    from ${src}_${sub}.order_digital_transactions
    union all
    select
        'order_offline_transactions' as source,
        email
    from ${src}_${sub}.order_offline_transactions
    union all
    select
        'email_activity' as source,
        email
    from ${src}_${sub}.email_activity
    union all
    select
        'sms_activity' as source,
        email
    from ${src}_${sub}.sms_activity
    union all
    select
        'app_analytics' as source,
        email
    from ${src}_${sub}.app_analytics
    union all
    select
        'formfills' as source,
        email
    from ${src}_${sub}.formfills
    union all
    select
        'consents' as source,
        id as email
    from ${src}_${sub}.consents
    where strpos(id, '@') > 0
    union all
    select
        'survey_responses' as source,
        email
    from ${src}_${sub}.survey_responses

),

cleaned as (

    select
        email,
        -- blanks of every kind around an address, also those of a web page; a line's end is none
        lower(
            regexp_replace(
                email,
                '^[ \t\u00a0\u200b\ufeff]+|[ \t\u00a0\u200b\ufeff]+\z', ''
            )
        ) as clean_email,
        array_join(array_sort(array_agg(distinct source)), ', ') as sources,
        count(*) as occurrences
    from raw_emails
    where regexp_like(email, '\S')
    group by email

),

parts as (

    select
        *,
        -- the last @ parts local name and domain; addresses with two are malformed anyway
        regexp_replace(clean_email, '@[^@]*$', '') as local_part,
        regexp_extract(clean_email, '@([^@]*)$', 1) as domain
    from cleaned

),

judged as (

    select
        parts.*,
        regexp_like(
            parts.clean_email,
            '^[a-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&''*+/=?^_`{|}~-]+)*'
            || '@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\z'
        )
        and length(parts.local_part) <= 64
        and length(parts.domain) <= 253
        and length(parts.clean_email) <= 254 as is_well_formed,
        placeholder_locals.word is not null
        or placeholder_domains.word is not null
        -- one letter over and over: aaaa@…, xxxxx@…
        or (
            length(parts.local_part) >= 3
            and replace(parts.local_part, substr(parts.local_part, 1, 1), '') = ''
        ) as is_placeholder,
        roles.word is not null as is_role,
        disposables.word is not null as is_disposable
    from parts
    left join ${stg}_${sub}.words__next as placeholder_locals
        on
            placeholder_locals.kind = 'email_placeholder_local'
            and parts.local_part = placeholder_locals.word
    left join ${stg}_${sub}.words__next as placeholder_domains
        on
            placeholder_domains.kind = 'email_placeholder_domain'
            and parts.domain = placeholder_domains.word
    left join ${stg}_${sub}.words__next as roles
        on roles.kind = 'email_role' and parts.local_part = roles.word
    left join ${stg}_${sub}.words__next as disposables
        on disposables.kind = 'email_disposable' and parts.domain = disposables.word

),

final as (

    select
        email,
        case when is_well_formed and not is_placeholder then clean_email end as trfmd_email,
        case when is_well_formed then 'true' else 'false' end as valid_email_flag,
        case
            when not is_well_formed then 'malformed'
            when is_placeholder then 'placeholder'
            when is_role then 'role'
            when is_disposable then 'disposable'
        end as reason,
        sources,
        occurrences,
        ${session_unixtime} as built_for
    from judged

)

select * from final
