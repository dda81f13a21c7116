-- How each name is written: one row per kind (given, family, place) and distinct raw name.
--
-- reads   source tables that carry names of people and towns, staging words
-- writes  staging names_standard, replaced whole by wf04_stage
-- nulls   trfmd_name is null for placeholder words; title and suffix are null when there is none
--
-- A name in mixed case was written with care and stays; all-capitals and all-small names get
-- capitals by rule: McDonald, O'Neil, Smith-Jones, van der Berg. Full-width letters, split accents
-- and curly apostrophes become the usual ones, so that the same name is the same text.

with

raw_names as (

    select distinct
        'given' as kind,
        first_name as name
    from ${src}_${sub}.loyalty_profile
    union distinct
    select distinct
        'given' as kind,
        billing_first_name as name
    from ${src}_${sub}.order_digital_transactions
    union distinct
    select distinct
        'family' as kind,
        last_name as name
    from ${src}_${sub}.loyalty_profile
    union distinct
    select distinct
        'family' as kind,
        billing_last_name as name
    from ${src}_${sub}.order_digital_transactions
    union distinct
    select distinct
        'place' as kind,
        city as name
    from ${src}_${sub}.loyalty_profile
    union distinct
    select distinct
        'place' as kind,
        billing_city as name
    from ${src}_${sub}.order_digital_transactions
    union distinct
    select distinct
        'place' as kind,
        location_city as name
    from ${src}_${sub}.order_digital_transactions
    union distinct
    select distinct
        'place' as kind,
        location_city as name
    from ${src}_${sub}.order_offline_transactions

),

vocabulary as (

    select
        coalesce(array_agg(word) filter (where kind = 'placeholder'), array['']) as placeholders,
        coalesce(array_agg(word) filter (where kind = 'name_title'), array['']) as titles,
        coalesce(array_agg(word) filter (where kind = 'name_suffix'), array['']) as suffixes,
        coalesce(array_agg(word) filter (where kind = 'name_particle'), array['']) as particles
    from ${stg}_${sub}.words__next

),

spelled as (

    select
        kind,
        name,
        replace(normalize(name, nfkc), '’', '''') as spelling
    from raw_names

),

worded as (

    select
        spelled.kind,
        spelled.name,
        vocabulary.titles,
        vocabulary.suffixes,
        vocabulary.particles,
        (spelled.name <> upper(spelled.name) and spelled.name <> lower(spelled.name))
            as is_mixed_case,
        filter(
            split(regexp_replace(spelled.spelling, '[\s,;]+', ' '), ' '), word -> word <> ''
        ) as words
    from spelled
    cross join vocabulary
    where
        regexp_like(spelled.name, '\S')
        and not contains(vocabulary.placeholders, lower(trim(spelled.name)))

),

parted as (

    select
        *,
        case
            when
                kind <> 'place' and cardinality(words) > 2
                and contains(titles, lower(element_at(words, 1)))
                and contains(titles, lower(element_at(words, 2)))
                then 2
            when
                kind <> 'place' and cardinality(words) > 1
                and contains(titles, lower(element_at(words, 1)))
                then 1
            else 0
        end as title_words,
        case
            when
                kind <> 'place' and cardinality(words) > 1
                and contains(suffixes, lower(element_at(words, cardinality(words))))
                then 1
            else 0
        end as suffix_words
    from worded

),

cored as (

    select
        *,
        slice(words, 1 + title_words, cardinality(words) - title_words - suffix_words) as core
    from parted

),

capitalised as (

    select
        *,
        transform(
            sequence(1, greatest(cardinality(core), 1)),
            i -> case
                when is_mixed_case then element_at(core, i)
                when
                    kind <> 'given' and i < cardinality(core)
                    and (kind = 'family' or i > 1)
                    and contains(particles, lower(element_at(core, i)))
                    then lower(element_at(core, i))
                else array_join(
                    transform(
                        split(lower(element_at(core, i)), '-'),
                        part -> case
                            when starts_with(part, 'mc') and length(part) > 3
                                then 'Mc' || upper(substr(part, 3, 1)) || substr(part, 4)
                            when substr(part, 2, 1) = '''' and length(part) > 2
                                then
                                    upper(substr(part, 1, 1)) || ''''
                                    || upper(substr(part, 3, 1)) || substr(part, 4)
                            else upper(substr(part, 1, 1)) || substr(part, 2)
                        end
                    ), '-'
                )
            end
        ) as written
    from cored
    where cardinality(core) > 0

),

final as (

    select
        kind,
        name,
        array_join(written, ' ') as trfmd_name,
        nullif(array_join(slice(words, 1, title_words), ' '), '') as title,
        case when suffix_words = 1 then element_at(words, cardinality(words)) end as suffix,
        ${session_unixtime} as built_for
    from capitalised

)

select * from final
