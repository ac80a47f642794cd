{%- set limits = var('quality') %}
with

payments as (
    select
        passed.system,
        passed.source_table,
        passed.source_id,
        owners.customer_id,
        passed.order_source_id,
        {{ document_key('passed.contract_no') }} as number_key,
        passed.status = 'confirmed' as is_received,
        passed.amount_gross as amount
    from {{ source('quality', 'passed_payments') }} as passed
    left join {{ source('identity', 'customer_xref') }} as owners
        on passed.system = owners.system
        and passed.source_table = owners.source_table
        and passed.source_id = owners.source_id
),

orders as (
    select
        passed.system,
        passed.source_table,
        passed.source_id,
        owners.customer_id,
        {{ document_key('passed.order_no') }} as number_key,
        passed.amount_gross as amount,
        checked.is_in_other_unit or checked.is_without_tax as is_doubtful
    from {{ source('quality', 'passed_orders') }} as passed
    inner join {{ ref('unified__orders') }} as checked
        on passed.system = checked.system
        and passed.source_table = checked.source_table
        and passed.source_id = checked.source_id
    left join {{ source('identity', 'customer_xref') }} as owners
        on passed.system = owners.system
        and passed.source_table = owners.source_table
        and passed.source_id = owners.source_id
    where passed.status = 'confirmed' and passed.amount_gross > 0
),

-- What each payment is for: by the key within its system; by the number, in whatever system, for the same customer.
by_key as (
    select
        payments.system, payments.source_table, payments.source_id,
        orders.system as order_system, orders.source_table as order_table, orders.source_id as order_id,
        orders.amount as order_amount, orders.is_doubtful
    from payments
    inner join orders on payments.system = orders.system and payments.order_source_id = orders.source_id
    where payments.is_received
),

by_number as (
    select
        payments.system, payments.source_table, payments.source_id,
        orders.system as order_system, orders.source_table as order_table, orders.source_id as order_id,
        orders.amount as order_amount, orders.is_doubtful
    from payments
    inner join orders
        on payments.number_key = orders.number_key
        and (payments.system = orders.system or payments.customer_id = orders.customer_id)
    where payments.is_received and payments.order_source_id is null
),

-- A number that stands on two documents doesn't tell which of them was paid.
meant as (
    select * from by_key
    union all
    select * from by_number
    qualify count(*) over (partition by system, source_table, source_id) = 1
),

paid as (
    select
        meant.*,
        payments.amount,
        sum(payments.amount) over same_document as paid_amount,
        count(*) over same_document as payments
    from meant
    inner join payments
        on meant.system = payments.system
        and meant.source_table = payments.source_table
        and meant.source_id = payments.source_id
    window same_document as (partition by meant.system, meant.order_system, meant.order_table, meant.order_id)
),

judged as (
    select
        *,
        not is_doubtful and (
            {{ is_in_other_unit('amount', 'order_amount') }}
            or {{ is_in_other_unit('amount', '(order_amount - paid_amount + amount)') }}
        ) as is_in_other_unit,
        not is_doubtful and {{ is_without_tax('paid_amount', 'order_amount', limits.tax_rates, 'payments') }}
            as is_without_tax
    from paid
),

final as (
    select
        payments.system,
        payments.source_table,
        payments.source_id,
        coalesce(judged.is_in_other_unit, false) as is_in_other_unit,
        coalesce(judged.is_without_tax, false) as is_without_tax,
        coalesce(
            judged.order_system <> payments.system
            and judged.paid_amount > judged.order_amount + {{ limits.rounding }} * judged.payments
            and not judged.is_in_other_unit,
            false
        ) as is_overpaid_elsewhere,
        judged.order_amount as order_other,
        judged.order_system as order_from
    from payments
    left join judged
        on payments.system = judged.system
        and payments.source_table = judged.source_table
        and payments.source_id = judged.source_id
)

select * from final
