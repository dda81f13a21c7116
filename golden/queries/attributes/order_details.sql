-- What a person likes to buy: one row per person who bought a product of a known department.
--
-- reads   golden transaction_history__next   one row per order line
-- writes  golden order_details_attributes, replaced whole by wf06_golden
-- liked   most lines, then most money, then the name that comes first in the alphabet
-- nulls   none; lines without a department and returned lines do not count

with

purchased as (

    select
        canonical_id,
        department,
        product_id,
        quantity,
        net_price
    from ${gld}_${sub}.transaction_history__next
    where
        canonical_id is not null
        and department is not null
        and coalesce(lower(transaction_type), '') not like 'return%'
        and coalesce(lower(transaction_type), '') not like 'refund%'
        and coalesce(lower(transaction_type), '') not like 'cancel%'
        and coalesce(quantity, 1) > 0

),

departments as (

    select
        canonical_id,
        department,
        count(*) as lines,
        row_number() over (
            partition by canonical_id
            order by count(*) desc, sum(net_price) desc, department
        ) as place
    from purchased
    group by canonical_id, department

),

products as (

    select
        canonical_id,
        count(distinct product_id) as distinct_products,
        coalesce(sum(quantity), 0) as total_units
    from purchased
    group by canonical_id

),

final as (

    select
        departments.canonical_id,
        max(case when departments.place = 1 then departments.department end)
            as preferred_department,
        count(*) as distinct_departments,
        array_join(array_sort(array_agg(departments.department)), ', ') as departments,
        round(max(departments.lines) * 1e0 / sum(departments.lines), 4)
            as preferred_department_share,
        max(products.distinct_products) as distinct_products,
        max(products.total_units) as total_units,
        ${session_unixtime} as built_for
    from departments
    inner join products on departments.canonical_id = products.canonical_id
    group by departments.canonical_id

)

select * from final
