with

orders as (
    select * from {{ ref('input__orders') }}
),

numbers as (
    select system, source_table, order_no
    from orders
    where order_no is not null
    group by system, source_table, order_no
    having count(*) > 1
),

plain as (
    {{ record_checks(
        'orders',
        alike=[
            'customer_source_id', 'customer_name', 'customer_phone', 'staff_source_id', 'staff_name', 'ordered_at',
            'status', 'document_kind', 'description', 'product_name', 'amount_gross',
        ],
        name='customer_name', staff=['staff_source_id', 'staff_name'],
    ) }}
),

final as (
    select
        plain.*,
        numbers.order_no is not null as is_number_taken
    from plain
    inner join orders
        on plain.system = orders.system
        and plain.source_table = orders.source_table
        and plain.source_id = orders.source_id
    left join numbers
        on orders.system = numbers.system
        and orders.source_table = numbers.source_table
        and orders.order_no = numbers.order_no
)

select * from final
