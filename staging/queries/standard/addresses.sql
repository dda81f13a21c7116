-- How each street address is written: one row per distinct raw address and country.
--
-- reads   source tables that carry addresses, staging words
-- writes  staging addresses_standard, replaced whole by wf04_stage
-- nulls   none; placeholder words are left out
--
-- United States, Canada, Australia: street types, directions and units by the postal abbreviations
-- ("12 North Main Street, Apartment 4" becomes "12 N Main St Apt 4"); a numbered highway or route
-- is spelled out, as the post wants it. Other countries: blanks only.

with

raw_addresses as (

    select
        address,
        country
    from ${src}_${sub}.loyalty_profile
    union distinct
    select
        billing_address as address,
        billing_country as country
    from ${src}_${sub}.order_digital_transactions
    union distinct
    select
        location_address as address,
        location_country as country
    from ${src}_${sub}.order_digital_transactions
    union distinct
    select
        location_address as address,
        location_country as country
    from ${src}_${sub}.order_offline_transactions

),

vocabulary as (

    select
        map_agg(word, code) filter (where kind = 'street') as streets,
        map_agg(word, code) filter (where kind = 'direction') as directions,
        map_agg(word, code) filter (where kind = 'address_unit') as units
    from ${stg}_${sub}.words__next
    where kind in ('street', 'direction', 'address_unit')

),

worded as (

    select
        raw_addresses.address,
        coalesce(raw_addresses.country, '') as country,
        coalesce(countries.code, '${default_country}') in ('US', 'CA', 'AU') as has_abbreviations,
        vocabulary.streets,
        vocabulary.directions,
        vocabulary.units,
        filter(
            split(regexp_replace(raw_addresses.address, '[\s,;]+', ' '), ' '), word -> word <> ''
        ) as words
    from raw_addresses
    cross join vocabulary
    left join ${stg}_${sub}.words__next as countries
        on countries.kind = 'country' and lower(trim(raw_addresses.country)) = countries.word
    left join ${stg}_${sub}.words__next as placeholders
        on
            placeholders.kind = 'placeholder'
            and lower(trim(raw_addresses.address)) = placeholders.word
    where regexp_like(raw_addresses.address, '[0-9A-Za-z]') and placeholders.word is null

),

coded as (

    select
        *,
        transform(
            words, word -> element_at(streets, regexp_replace(lower(word), '\.$', ''))
        ) as street_codes,
        transform(
            words, word -> element_at(directions, replace(lower(word), '.', ''))
        ) as direction_codes,
        transform(
            words, word -> element_at(units, regexp_replace(lower(word), '\.$', ''))
        ) as unit_codes
    from worded

),

written as (

    select
        *,
        transform(
            sequence(1, cardinality(words)),
            i -> case
                when not has_abbreviations then element_at(words, i)
                when element_at(unit_codes, i) is not null and i < cardinality(words)
                    then element_at(unit_codes, i)
                when
                    regexp_like(lower(element_at(words, i)), '^(highway|hwy)\.?$')
                    and regexp_like(element_at(words, i + 1), '^[0-9]')
                    then 'Highway'
                when
                    regexp_like(lower(element_at(words, i)), '^(route|rte|rt)\.?$')
                    and regexp_like(element_at(words, i + 1), '^[0-9]')
                    then 'Route'
                -- the street type is the last word before a unit, a direction or the end
                when
                    element_at(street_codes, i) is not null and i > 1
                    and (
                        i = cardinality(words)
                        or element_at(unit_codes, i + 1) is not null
                        or element_at(direction_codes, i + 1) is not null
                        or regexp_like(element_at(words, i + 1), '^(#|[0-9])')
                    )
                    then element_at(street_codes, i)
                -- a direction leads the street's name or ends the street
                when
                    element_at(direction_codes, i) is not null
                    and (
                        (
                            i = 2 and regexp_like(element_at(words, 1), '^[0-9]')
                            and cardinality(words) > 2
                            and not (
                                element_at(street_codes, 3) is not null
                                and (
                                    cardinality(words) = 3
                                    or element_at(unit_codes, 4) is not null
                                )
                            )
                        )
                        or (
                            i > 2
                            and (
                                i = cardinality(words)
                                or element_at(unit_codes, i + 1) is not null
                            )
                        )
                    )
                    then element_at(direction_codes, i)
                when regexp_like(element_at(words, i), '^(US|SR|CR|RR|HC|FM|PO)$')
                    then element_at(words, i)
                when
                    address = upper(address) or address = lower(address)
                    then
                        upper(substr(element_at(words, i), 1, 1))
                        || lower(substr(element_at(words, i), 2))
                else element_at(words, i)
            end
        ) as standard_words
    from coded

),

final as (

    select
        address,
        country,
        array_join(standard_words, ' ') as trfmd_address,
        ${session_unixtime} as built_for
    from written

)

select * from final
