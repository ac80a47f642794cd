{%- set limits = var('quality') %}
with

orders as (
    select
        passed.system,
        passed.source_table,
        passed.source_id,
        owners.customer_id,
        passed.status = 'confirmed' and passed.document_kind <> 'return' as is_sale,
        {{ document_key('passed.order_no') }} as number_key,
        {{ comparable_text('passed.product_name') }} as product,
        passed.staff_name,
        {{ local_date('passed.ordered_at') }} as ordered_on,
        passed.amount_gross as amount,
        passed.amount_net,
        passed.cost_amount
    from {{ source('quality', 'passed_orders') }} as passed
    left join {{ source('identity', 'customer_xref') }} as owners
        on passed.system = owners.system
        and passed.source_table = owners.source_table
        and passed.source_id = owners.source_id
),

sales as (
    select * from orders where is_sale and amount > 0
),

-- ---- the same document in another system ------------------------------------------------------------------------
numbers as (
    select number_key from sales where number_key is not null group by number_key having min(system) <> max(system)
),

twins as (
    select one.system, one.source_table, one.source_id, max(other.amount) as amount, max(other.system) as told_by
    from sales as one
    inner join numbers on one.number_key = numbers.number_key
    inner join sales as other
        on one.number_key = other.number_key
        and one.customer_id = other.customer_id
        and one.system <> other.system
    group by one.system, one.source_table, one.source_id
    having count(*) = 1
),

-- ---- its own lines ------------------------------------------------------------------------------------------------
lines as (
    select
        system,
        order_source_table as source_table,
        order_source_id as source_id,
        sum(amount_gross) as amount,
        count(*) as lines
    from {{ source('quality', 'passed_order_lines') }}
    group by system, order_source_table, order_source_id
    having count(*) = count(amount_gross)
),

-- ---- all that was paid for it -------------------------------------------------------------------------------------
paid as (
    select system, order_source_id as source_id, sum(amount_gross) as amount, count(*) as payments
    from {{ source('quality', 'passed_payments') }}
    where status = 'confirmed' and order_source_id is not null
    group by system, order_source_id
),

-- ---- what the customer usually buys for, and what the product usually costs ----------------------------------------
usual_of_customer as (
    select customer_id, {{ median_of('amount') }} as amount
    from sales
    where customer_id is not null
    group by customer_id
    having count(*) > {{ limits.usual_documents }}
),

usual_of_product as (
    select system, product, {{ median_of('amount') }} as amount
    from sales
    where product is not null
    group by system, product
    having count(*) > {{ limits.usual_documents }}
),

leavers as (
    select staff_name, left_on from {{ ref('int_leavers') }}
),

judged as (
    select
        orders.system,
        orders.source_table,
        orders.source_id,
        orders.is_sale,
        orders.amount,
        orders.amount_net,
        orders.cost_amount,
        twins.amount as twin_amount,
        twins.told_by as twin_system,
        lines.amount as lines_amount,
        lines.lines,
        case when orders.is_sale then paid.amount end as paid_amount,
        paid.payments,
        case when orders.is_sale then coalesce(usual_of_customer.amount, usual_of_product.amount) end
            as usual_amount,
        orders.is_sale and twins.amount is not null and abs(twins.amount - orders.amount) > {{ limits.amount_tolerance }}
            as is_unlike_twin,
        lines.amount is not null and abs(lines.amount - orders.amount) > {{ limits.amount_tolerance }} as is_unlike_lines,
        -- No tax lies between them, but 10,000 does; nobody writes less than 1,000 yuan in 万元.
        orders.amount <> 0
        and greatest(abs(orders.amount), abs(orders.amount_net)) >= 1000
        and {{ is_of_other_size('orders.amount', 'abs(orders.amount_net)', 1.2) }} as is_unlike_net,
        case when orders.ordered_on > leavers.left_on then leavers.left_on end as staff_left_on
    from orders
    left join twins
        on orders.system = twins.system
        and orders.source_table = twins.source_table
        and orders.source_id = twins.source_id
    left join lines
        on orders.system = lines.system
        and orders.source_table = lines.source_table
        and orders.source_id = lines.source_id
    left join paid on orders.system = paid.system and orders.source_id = paid.source_id
    left join usual_of_customer on orders.customer_id = usual_of_customer.customer_id
    left join usual_of_product
        on orders.system = usual_of_product.system and orders.product = usual_of_product.product
    left join leavers on orders.staff_name = leavers.staff_name
),

weighed as (
    select
        *,
        case
            when is_unlike_lines and {{ is_in_other_unit('amount', 'lines_amount') }} then 'lines'
            when lines_amount is not null and not is_unlike_lines then null
            when is_unlike_net then 'net'
            when is_sale and {{ is_of_other_size('amount', 'cost_amount', limits.usual_spread) }} then 'cost'
            when is_sale and {{ is_of_other_size('amount', 'usual_amount', limits.usual_spread) }} then 'usual'
        end as other_unit_by,
        coalesce(is_unlike_lines and {{ is_without_tax('amount', 'lines_amount', limits.tax_rates, 'lines') }}, false)
            as lacks_tax_of_lines,
        coalesce(is_unlike_twin and {{ is_without_tax('amount', 'twin_amount', limits.tax_rates) }}, false)
            as lacks_tax_of_twin,
        coalesce(
            not coalesce(lines_amount is not null and not is_unlike_lines, false)
            and {{ is_without_tax('amount', 'paid_amount', limits.tax_rates, 'payments') }},
            false
        ) as lacks_tax_of_payments
    from judged
),

final as (
    select
        system,
        source_table,
        source_id,
        other_unit_by is not null as is_in_other_unit,
        lacks_tax_of_lines or lacks_tax_of_twin or lacks_tax_of_payments as is_without_tax,
        case
            when other_unit_by = 'lines' then lines_amount
            when other_unit_by = 'net' then amount_net
            when other_unit_by = 'cost' then cost_amount
            when other_unit_by = 'usual' then usual_amount
            when lacks_tax_of_lines then lines_amount
            when lacks_tax_of_twin then twin_amount
            when lacks_tax_of_payments then paid_amount
        end as unit_other,
        case
            when other_unit_by is not null then other_unit_by
            when lacks_tax_of_lines then 'lines'
            when lacks_tax_of_twin then twin_system
            when lacks_tax_of_payments then 'payments'
        end as unit_from,
        is_unlike_lines and coalesce(other_unit_by <> 'lines', true) and not lacks_tax_of_lines as is_unlike_lines,
        case when is_unlike_lines then lines_amount end as lines_other,
        coalesce(is_unlike_twin and other_unit_by is null and not lacks_tax_of_twin, false) as has_conflicting_amount,
        case when is_unlike_twin then twin_amount end as amount_other,
        case when is_unlike_twin then twin_system end as amount_from,
        staff_left_on is not null as has_staff_gone,
        staff_left_on
    from weighed
)

select * from final
