-- The latest answer of every address to every kind of message: one row per id and consent type.
--
-- reads   cdp_unification enriched_consents_email, enriched_consents_phone   several rows an id
--         cdp_unification profile_identifiers   the e-mail and phone by which a person is reached
-- writes  golden consents, replaced whole by wf06_golden
-- latest  the greatest time wins; in the same second No beats Yes, any answer an unreadable one
-- nulls   no answer of the id could be read: consent_flag null; nobody known: canonical_id null

with

history as (

    select
        ${unification_id} as canonical_id,
        trfmd_email as id,
        'email' as id_type,
        trfmd_consent_type as consent_type,
        trfmd_consent_flag as consent_flag,
        time
    from ${unif}_${sub}.enriched_consents_email
    where trfmd_email is not null
    union all
    select
        ${unification_id} as canonical_id,
        trfmd_phone_number as id,
        'phone_number' as id_type,
        trfmd_consent_type as consent_type,
        trfmd_consent_flag as consent_flag,
        time
    from ${unif}_${sub}.enriched_consents_phone
    where trfmd_phone_number is not null

),

ranked as (

    select
        *,
        count(*) over (partition by id, id_type, consent_type) as answers,
        row_number() over (
            partition by id, id_type, consent_type
            order by
                case when consent_flag is null then 1 else 0 end asc,
                time desc,
                consent_flag asc,
                canonical_id asc
        ) as place
    from history

),

final as (

    select
        -- ids
        ranked.canonical_id,
        ranked.canonical_id as ${unification_id},
        ranked.id,
        ranked.id_type,

        -- the answer
        ranked.consent_type,
        ranked.consent_flag,
        case
            when ranked.id_type = 'email' and ranked.id = profile_identifiers.email then 'true'
            when
                ranked.id_type = 'phone_number'
                and ranked.id = profile_identifiers.phone_number
                then 'true'
            else 'false'
        end as is_primary,
        ranked.answers,

        -- times
        ranked.time as consented_unix,
        ranked.time,
        ${session_unixtime} as built_for
    from ranked
    left join ${unif}_${sub}.profile_identifiers
        on ranked.canonical_id = profile_identifiers.${unification_id}
    where ranked.place = 1

)

select * from final
