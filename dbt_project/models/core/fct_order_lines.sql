with

lines as (
    select * from {{ source('quality', 'passed_order_lines') }}
),

orders as (
    select order_id, system, source_table, source_id, customer_id, is_revenue from {{ ref('fct_orders') }}
),

final as (
    select
        {{ source_key('lines') }} as order_line_id,
        orders.order_id,
        orders.customer_id,
        lines.system,
        lines.source_table,
        lines.source_id,
        lines.line_no,
        lines.product_source_id,
        lines.product_name,
        lines.quantity,
        lines.unit_price,
        lines.amount_gross,
        lines.amount_net,
        coalesce(orders.is_revenue, false) as is_revenue,
        lines.loaded_at
    from lines
    left join orders
        on lines.system = orders.system
        and lines.order_source_table = orders.source_table
        and lines.order_source_id = orders.source_id
)

select * from final
