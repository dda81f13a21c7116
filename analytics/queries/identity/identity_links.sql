-- Who hangs together with whom, to be drawn: one row per two identifiers of the same records.
--
-- reads   cdp_unification enriched_<table>           rows that hold two identifiers or more
--         cdp_unification ${unification_id}_lookup   whose each identifier is
--         cdp_unification ${unification_id}_keys     names of the keys
--         cdp_unification unification_suspects       identifiers that were not trusted
-- writes  analytics identity_links, replaced whole by wf07_analytics
-- picture largest    the profile with most identifiers
--         contested  the identifier that most people share, which therefore joins nobody
-- privacy identifiers are masked
-- nulls   none

with

lookup as (

    select
        lookup.canonical_id,
        lookup.id,
        keys.key_name
    from ${unif}_${sub}.${unification_id}_lookup as lookup
    inner join ${unif}_${sub}.${unification_id}_keys as keys
        on lookup.id_key_type = keys.key_type

),

records as (

    select
        ${unification_id} as canonical_id,
        trfmd_customer_id as customer_id,
        trfmd_email as email,
        trfmd_phone_number as phone_number,
        cast(null as varchar) as credit_card_token,
        cast(null as varchar) as td_client_id,
        cast(null as varchar) as device_id
    from ${unif}_${sub}.enriched_loyalty_profile
    union all
    select
        ${unification_id} as canonical_id,
        trfmd_customer_id as customer_id,
        trfmd_email as email,
        trfmd_phone_number as phone_number,
        token as credit_card_token,
        cast(null as varchar) as td_client_id,
        cast(null as varchar) as device_id
    from ${unif}_${sub}.enriched_order_digital_transactions
    union all
    select
        ${unification_id} as canonical_id,
        trfmd_customer_id as customer_id,
        trfmd_email as email,
        trfmd_phone_number as phone_number,
        token as credit_card_token,
        cast(null as varchar) as td_client_id,
        cast(null as varchar) as device_id
    from ${unif}_${sub}.enriched_order_offline_transactions
    union all
    select
        ${unification_id} as canonical_id,
        cast(null as varchar) as customer_id,
        trfmd_email as email,
        trfmd_phone_number as phone_number,
        cast(null as varchar) as credit_card_token,
        trfmd_td_client_id as td_client_id,
        cast(null as varchar) as device_id
    from ${unif}_${sub}.enriched_formfills
    union all
    select
        ${unification_id} as canonical_id,
        trfmd_customer_id as customer_id,
        trfmd_email as email,
        trfmd_phone_number as phone_number,
        cast(null as varchar) as credit_card_token,
        cast(null as varchar) as td_client_id,
        trfmd_device_id as device_id
    from ${unif}_${sub}.enriched_app_analytics
    union all
    select
        ${unification_id} as canonical_id,
        trfmd_customer_id as customer_id,
        trfmd_email as email,
        trfmd_phone_number as phone_number,
        cast(null as varchar) as credit_card_token,
        cast(null as varchar) as td_client_id,
        cast(null as varchar) as device_id
    from ${unif}_${sub}.enriched_survey_responses

),

largest as (

    select canonical_id
    from lookup
    group by canonical_id
    order by count(*) desc, canonical_id asc
    limit 1

),

contested as (

    select
        key_name,
        id
    from ${unif}_${sub}.unification_suspects
    where
        unification_id = '${unification_id}'
        and reason = 'weak link between different people'
        and key_name in ('phone_number', 'credit_card_token', 'td_client_id', 'device_id')
    order by people desc, key_name asc, id asc
    limit 1

),

drawn as (

    select
        'largest' as picture,
        records.*
    from records
    inner join largest on records.canonical_id = largest.canonical_id
    union all
    select
        'contested' as picture,
        records.*
    from records
    inner join contested
        on
            records.phone_number = contested.id
            or records.credit_card_token = contested.id
            or records.td_client_id = contested.id
            or records.device_id = contested.id

),

alike as (

    select
        picture,
        customer_id,
        email,
        phone_number,
        credit_card_token,
        td_client_id,
        device_id,
        count(*) as records,
        row_number() over (order by picture) as record_id
    from drawn
    group by picture, customer_id, email, phone_number, credit_card_token, td_client_id, device_id

),

held as (

    select
        alike.picture,
        alike.record_id,
        alike.records,
        cells.key_name,
        cells.id
    from alike
    cross join
        unnest(
            array[
                'customer_id',
                'email',
                'phone_number',
                'credit_card_token',
                'td_client_id',
                'device_id'
            ],
            array[
                alike.customer_id,
                alike.email,
                alike.phone_number,
                alike.credit_card_token,
                alike.td_client_id,
                alike.device_id
            ]
        ) as cells (key_name, id)
    where cells.id is not null

),

nodes as (

    select
        held.picture,
        held.record_id,
        held.records,
        dense_rank() over (partition by held.picture order by held.key_name, held.id) as node,
        held.key_name || ' ' || case
            when held.id like '%@%'
                then
                    substr(held.id, 1, 1) || '***@'
                    || substr(split_part(held.id, '@', 2), 1, 1) || '***.'
                    || regexp_extract(held.id, '[^.]+$')
            when length(held.id) > 5 then substr(held.id, 1, 2) || '***' || substr(held.id, -2)
            else '***'
        end as label,
        case
            when held.picture = 'largest' then held.key_name
            when contested.id is not null then 'shared'
            else 'profile ' || cast(
                dense_rank() over (
                    partition by held.picture, contested.id is null
                    order by lookup.canonical_id
                ) as varchar
            )
        end as tone
    from held
    inner join lookup on held.key_name = lookup.key_name and held.id = lookup.id
    left join contested on held.key_name = contested.key_name and held.id = contested.id

),

final as (

    select
        -- ids
        near.picture,
        near.node as first_node,
        far.node as second_node,

        -- what is shown
        near.label as first_label,
        near.tone as first_tone,
        far.label as second_label,
        far.tone as second_tone,

        -- counts
        sum(near.records) as records,
        ${session_unixtime} as built_for
    from nodes as near
    inner join nodes as far
        on
            near.picture = far.picture
            and near.record_id = far.record_id
            and near.node < far.node
    group by
        near.picture, near.node, far.node, near.label, near.tone, far.label, far.tone

)

select * from final
