with

order_lines as (
    select * from {{ ref('input__order_lines') }}
),

orders as (
    select system, source_table, source_id from {{ ref('input__orders') }}
),

final as (
    select
        order_lines.system,
        order_lines.source_table,
        order_lines.source_id,
        orders.source_id is null as has_no_order
    from order_lines
    left join orders
        on order_lines.system = orders.system
        and order_lines.order_source_table = orders.source_table
        and order_lines.order_source_id = orders.source_id
)

select * from final
