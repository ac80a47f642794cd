with

payments as (
    select * from {{ ref('input__payments') }}
),

-- What is paid, by the two ways in which a payment may point at it: the key, or the number on the document.
documents as (
    select system, 'key' as pointed_by, source_id as document, amount_gross
    from {{ ref('input__orders') }}
    union all
    select system, 'number', order_no, amount_gross
    from {{ ref('input__orders') }}
    where
        order_no is not null
        and system in (select system from payments where order_source_id is null and contract_no is not null)
),

amounts as (
    select system, pointed_by, document, sum(amount_gross) as amount_gross
    from documents
    group by system, pointed_by, document
),

pointing as (
    select
        *,
        case when order_source_id is not null then 'key' else 'number' end as pointed_by,
        coalesce(order_source_id, contract_no) as document
    from payments
),

sums as (
    select system, pointed_by, document, sum(amount_gross) as amount_gross, count(*) as payments
    from pointing
    where status = 'confirmed' and document is not null
    group by system, pointed_by, document
),

overpaid as (
    select sums.system, sums.pointed_by, sums.document
    from sums
    inner join amounts
        on sums.system = amounts.system
        and sums.pointed_by = amounts.pointed_by
        and sums.document = amounts.document
    -- Each payment may be rounded up by a cent or so.
    where
        amounts.amount_gross > 0
        and sums.amount_gross > amounts.amount_gross + {{ var('quality').rounding }} * sums.payments
),

buyers as (
    select system, source_id, min(customer_source_id) as customer_source_id
    from {{ ref('input__orders') }}
    group by system, source_id
    having count(*) = 1
),

plain as (
    {{ record_checks(
        'payments',
        alike=['customer_source_id', 'customer_name', 'order_source_id', 'contract_no', 'paid_at', 'status', 'amount_gross'],
        name='customer_name',
    ) }}
),

final as (
    select
        pointing.system,
        pointing.source_table,
        pointing.source_id,
        pointing.document is not null and amounts.document is null as has_no_order,
        coalesce(pointing.status = 'confirmed' and overpaid.document is not null, false) as is_overpaid,
        coalesce(pointing.customer_source_id <> buyers.customer_source_id, false) as is_of_other_customer,
        plain.has_no_customer,
        plain.is_entered_twice,
        plain.has_traditional_name
    from pointing
    inner join plain
        on pointing.system = plain.system
        and pointing.source_table = plain.source_table
        and pointing.source_id = plain.source_id
    left join buyers on pointing.system = buyers.system and pointing.order_source_id = buyers.source_id
    left join amounts
        on pointing.system = amounts.system
        and pointing.pointed_by = amounts.pointed_by
        and pointing.document = amounts.document
    left join overpaid
        on pointing.system = overpaid.system
        and pointing.pointed_by = overpaid.pointed_by
        and pointing.document = overpaid.document
)

select * from final
