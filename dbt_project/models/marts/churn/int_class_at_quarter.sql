-- ABC class of each buyer at the start of each quarter, by spend in the 365 days before: what could be known
-- on that day. Who bought nothing in those days has no row and counts as C.
with

orders as (
    select customer_id, ordered_on, amount_gross
    from {{ ref('fct_orders') }}
    where is_revenue and customer_id is not null and ordered_on <= {{ as_of() }}
),

policies as (
    select tier_code, tier_rank, up_to_share, policy_version, valid_from
    from {{ ref('tier_policies') }}
    where scheme = 'abc'
),

span as (
    select min(ordered_on) as first_on from orders
),

quarters as (
    {{ quarter_starts('(select first_on from span)', as_of()) }}
),

quarter_policies as (
    select quarters.quarter_start_on, max(policies.policy_version) as policy_version
    from quarters
    inner join policies on policies.valid_from <= quarters.quarter_start_on
    group by quarters.quarter_start_on
),

spend as (
    select
        quarters.quarter_start_on,
        orders.customer_id,
        cast(sum(orders.amount_gross) as decimal(18, 2)) as spend_gross
    from quarters
    inner join orders
        on orders.ordered_on < quarters.quarter_start_on
        and orders.ordered_on >= {{ add_days('quarters.quarter_start_on', -365) }}
    group by quarters.quarter_start_on, orders.customer_id
    having sum(orders.amount_gross) > 0
),

placed as (
    select
        *,
        count(*) over (partition by quarter_start_on) as buyers,
        rank() over (partition by quarter_start_on order by spend_gross desc)
            + count(*) over (partition by quarter_start_on, spend_gross) - 1 as last_equal_place
    from spend
),

final as (
    select
        placed.quarter_start_on,
        placed.customer_id,
        placed.spend_gross,
        max_by(policies.tier_code, policies.tier_rank) as class_code
    from placed
    inner join quarter_policies on placed.quarter_start_on = quarter_policies.quarter_start_on
    inner join policies
        on quarter_policies.policy_version = policies.policy_version
        and placed.last_equal_place <= ceil(placed.buyers * policies.up_to_share)
    group by placed.quarter_start_on, placed.customer_id, placed.spend_gross
)

select * from final
