-- Order lines, cleaned: one row per order number, part and line, and per time that it went back.
--
-- reads   source order_details   one row per source record
--         staging dates_standard, words   what each raw value means
-- writes  staging order_details, replaced whole by wf04_stage
-- nulls   a trfmd_ column is null when the raw value says nothing; trfmd_order_key: no number

with

lines as (

    select
        lines.*,
        coalesce(td_time_parse(lines.order_datetime, 'UTC'), dates.trfmd_unix)
            as trfmd_order_datetime_unix,
        case
            when no_numbers.word is null
                then
                    nullif(regexp_replace(trim(lines.order_no), '^([0-9]+)[.]0+$', '$1'), '')
                    || coalesce('#' || nullif(trim(lines.order_part), ''), '')
        end as trfmd_order_key,
        case
            when transactions.code is not null then transactions.code
            when lines.net_price < 0 or lines.quantity < 0 then 'return'
            when nullif(trim(lines.order_transaction_type), '') is null then 'purchase'
            else lower(trim(lines.order_transaction_type))
        end as trfmd_order_transaction_type
    from ${src}_${sub}.order_details as lines
    left join ${stg}_${sub}.words__next as no_numbers
        on
            no_numbers.kind in ('placeholder', 'placeholder_id')
            and lower(trim(lines.order_no)) = no_numbers.word
    left join ${stg}_${sub}.words__next as transactions
        on
            transactions.kind = 'transaction'
            and lower(trim(lines.order_transaction_type)) = transactions.word
    left join ${stg}_${sub}.dates_standard__next as dates
        on dates.source = 'order_details' and lines.order_datetime = dates.value

),

signed as (

    select
        *,
        (net_price < 0 or quantity < 0)
        and trfmd_order_transaction_type not like 'cancel%' as went_back
    from lines

),

ranked as (

    select
        *,
        -- a repeat of the same record is the same line; the latest one counts. What went back under
        -- a line's number is a record beside it, one for each time, no later state
        row_number() over (
            partition by
                trfmd_order_key,
                order_line_no,
                coalesce(went_back, false),
                case when went_back then trfmd_order_datetime_unix end
            order by
                time desc, net_price desc, quantity desc, product_id desc, product_name desc
        ) as recency
    from signed

),

latest as (

    select * from ranked
    -- lines without a number cannot repeat one
    where recency = 1 or trfmd_order_key is null or order_line_no is null

)

select
    -- as the source sent it
    latest.order_no,
    latest.order_part,
    latest.order_line_no,
    latest.order_transaction_type,
    latest.order_datetime,
    latest.product_id,
    latest.product_name,
    latest.product_color,
    latest.product_size,
    latest.product_description,
    latest.product_department,
    latest.product_sub_department,
    latest.quantity,
    latest.list_price,
    latest.discount_offered,
    latest.tax,
    latest.net_price,
    latest.time,

    -- ids
    latest.trfmd_order_key,

    -- product
    nullif(trim(latest.product_name), '') as trfmd_product_name,
    nullif(
        upper(substr(trim(latest.product_department), 1, 1))
        || lower(substr(trim(latest.product_department), 2)), ''
    ) as trfmd_product_department,
    nullif(
        upper(substr(trim(latest.product_sub_department), 1, 1))
        || lower(substr(trim(latest.product_sub_department), 2)), ''
    ) as trfmd_product_sub_department,

    -- what
    latest.trfmd_order_transaction_type,

    -- when, UTC
    replace(
        td_time_format(latest.trfmd_order_datetime_unix, 'yyyy-MM-dd HH:mm:ss', 'UTC'), ' ', 'T'
    ) || 'Z' as trfmd_order_datetime,
    latest.trfmd_order_datetime_unix,

    ${session_unixtime} as built_for
from latest
