with

hierarchy as (
    select * from {{ ref('customer_hierarchy') }}
),

revenue as (
    select customer_id, count(*) as orders, sum(amount_gross) as revenue_gross
    from {{ ref('fct_orders') }}
    where is_revenue and ordered_on <= {{ as_of() }}
    group by customer_id
),

final as (
    select
        hierarchy.group_customer_id,
        count(*) as members,
        count(case when hierarchy.is_branch then 1 end) as branches,
        max(hierarchy.level) as levels_below,
        cast(coalesce(sum(revenue.orders), 0) as bigint) as orders,
        cast(coalesce(sum(revenue.revenue_gross), 0) as decimal(18, 2)) as revenue_gross,
        cast(
            coalesce(sum(
                case when hierarchy.customer_id = hierarchy.group_customer_id then revenue.revenue_gross end
            ), 0) as decimal(18, 2)
        ) as own_revenue_gross
    from hierarchy
    left join revenue on hierarchy.customer_id = revenue.customer_id
    group by hierarchy.group_customer_id
)

select * from final
