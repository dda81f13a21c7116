-- Store orders, cleaned: one row per order number and part, and per time that money went back.
--
-- reads   source order_offline_transactions   one row per source record
--         staging *_standard, words   what each raw value means
-- writes  staging order_offline_transactions, replaced whole by wf04_stage
-- nulls   a trfmd_ column is null when the raw value says nothing; trfmd_order_key: no number

with

orders as (

    select
        orders.*,
        case
            when placeholders.word is null
                then
                    regexp_replace(
                        upper(nullif(trim(orders.customer_id), '')), '^([0-9]+)[.]0+$', '$1'
                    )
        end as trfmd_customer_id,
        coalesce(td_time_parse(orders.order_datetime, 'UTC'), dates.trfmd_unix)
            as trfmd_order_datetime_unix,
        case when no_cards.word is null then nullif(trim(orders.token), '') end as trfmd_token,
        case
            when no_numbers.word is null
                then
                    nullif(regexp_replace(trim(orders.order_no), '^([0-9]+)[.]0+$', '$1'), '')
                    || coalesce('#' || nullif(trim(orders.order_part), ''), '')
        end as trfmd_order_key,
        case
            when transactions.code is not null then transactions.code
            when orders.amount < 0 then 'return'
            when nullif(trim(orders.order_transaction_type), '') is null then 'purchase'
            else lower(trim(orders.order_transaction_type))
        end as trfmd_order_transaction_type
    from ${src}_${sub}.order_offline_transactions as orders
    left join ${stg}_${sub}.words__next as placeholders
        on
            placeholders.kind in ('placeholder', 'placeholder_id')
            and lower(trim(orders.customer_id)) = placeholders.word
    left join ${stg}_${sub}.words__next as no_numbers
        on
            no_numbers.kind in ('placeholder', 'placeholder_id')
            and lower(trim(orders.order_no)) = no_numbers.word
    left join ${stg}_${sub}.words__next as no_cards
        on
            no_cards.kind in ('placeholder', 'placeholder_id')
            and lower(trim(orders.token)) = no_cards.word
    left join ${stg}_${sub}.words__next as transactions
        on
            transactions.kind = 'transaction'
            and lower(trim(orders.order_transaction_type)) = transactions.word
    left join ${stg}_${sub}.dates_standard__next as dates
        on
            dates.source = 'order_offline_transactions'
            and orders.order_datetime = dates.value

),

signed as (

    select
        *,
        amount < 0 and trfmd_order_transaction_type not like 'cancel%' as went_back
    from orders

),

ranked as (

    select
        *,
        -- a repeat of the same record is the same order; the latest one counts. Money that went
        -- back under an order's number is a record beside it, one for each time, no later state
        row_number() over (
            partition by
                trfmd_order_key,
                coalesce(went_back, false),
                case when went_back then trfmd_order_datetime_unix end
            order by
                time desc, trfmd_order_datetime_unix desc, order_datetime desc,
                amount desc, email desc, customer_id desc, phone_number desc, token desc
        ) as recency
    from signed

),

latest as (

    select
        *,
        cast(td_time_format(trfmd_order_datetime_unix, 'MM', 'UTC') as bigint) as order_month
    from ranked
    -- records without a number cannot repeat one
    where recency = 1 or trfmd_order_key is null

),

final as (

    select
        -- as the source sent it
        latest.customer_id,
        latest.email,
        latest.phone_number,
        latest.token,
        latest.order_no,
        latest.order_part,
        latest.order_datetime,
        latest.order_transaction_type,
        latest.payment_method,
        latest.promo_code,
        latest.markdown_flag,
        latest.location_id,
        latest.location_address,
        latest.location_city,
        latest.location_state,
        latest.location_postal_code,
        latest.location_country,
        latest.amount,
        latest.discount_amount,
        latest.net_amount,
        latest.time,

        -- ids
        latest.trfmd_order_key,
        latest.trfmd_customer_id,
        latest.trfmd_token,
        emails.trfmd_email,
        emails.valid_email_flag,
        phones.trfmd_phone_number,

        -- when, UTC
        replace(
            td_time_format(latest.trfmd_order_datetime_unix, 'yyyy-MM-dd HH:mm:ss', 'UTC'),
            ' ', 'T'
        ) || 'Z' as trfmd_order_datetime,
        latest.trfmd_order_datetime_unix,
        case
            when latest.order_month in (12, 1, 2) then 'Winter'
            when latest.order_month in (3, 4, 5) then 'Spring'
            when latest.order_month in (6, 7, 8) then 'Summer'
            when latest.order_month in (9, 10, 11) then 'Fall'
        end as trfmd_season,

        -- what
        latest.trfmd_order_transaction_type,
        coalesce(payments.code, lower(nullif(trim(latest.payment_method), '')))
            as trfmd_payment_method,
        upper(nullif(trim(latest.promo_code), '')) as trfmd_promo_code,
        markdowns.code as trfmd_markdown_flag,

        -- the store or pick-up place
        places.trfmd_address as trfmd_location_address,
        towns.trfmd_name as trfmd_location_city,
        coalesce(states.code, nullif(trim(latest.location_state), '')) as trfmd_location_state,
        upper(nullif(trim(latest.location_postal_code), '')) as trfmd_location_postal_code,
        countries.code as trfmd_location_country,

        ${session_unixtime} as built_for
    from latest
    left join ${stg}_${sub}.emails_standard__next as emails on latest.email = emails.email
    left join ${stg}_${sub}.phones_standard__next as phones
        on
            latest.phone_number = phones.phone_number
            and coalesce(latest.location_country, '') = phones.country
    left join ${stg}_${sub}.words__next as payments
        on
            payments.kind = 'payment'
            and lower(trim(latest.payment_method)) = payments.word
    left join ${stg}_${sub}.words__next as markdowns
        on markdowns.kind = 'flag' and lower(trim(latest.markdown_flag)) = markdowns.word
    left join ${stg}_${sub}.words__next as countries
        on
            countries.kind = 'country'
            and lower(trim(latest.location_country)) = countries.word
    left join ${stg}_${sub}.words__next as states
        on
            states.kind = 'state:' || coalesce(countries.code, '${default_country}')
            and lower(trim(latest.location_state)) = states.word
    left join ${stg}_${sub}.addresses_standard__next as places
        on
            latest.location_address = places.address
            and coalesce(latest.location_country, '') = places.country
    left join ${stg}_${sub}.names_standard__next as towns
        on towns.kind = 'place' and latest.location_city = towns.name

)

select * from final
