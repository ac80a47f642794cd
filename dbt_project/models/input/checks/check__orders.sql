with

orders as (
    select * from {{ ref('input__orders') }}
),

customers as (
    select distinct system, source_id from {{ ref('input__customers') }}
),

final as (
    select
        orders.system,
        orders.source_table,
        orders.source_id,
        case
            when orders.customer_source_id is not null then customers.source_id is null
            else coalesce(orders.customer_name, orders.customer_phone, orders.customer_email) is null
        end as has_no_customer
    from orders
    left join customers
        on orders.system = customers.system
        and orders.customer_source_id = customers.source_id
)

select * from final
