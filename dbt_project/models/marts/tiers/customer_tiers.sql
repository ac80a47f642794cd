-- ABC's rule for ties and small counts: a tier holds at most its share of the period's customers, rounded up,
-- so the best of even a few is an A; customers with equal spend stand in one tier, and where they don't all
-- fit into the better one, all of them stand in the lower.
with

orders as (
    select customer_id, ordered_on, amount_gross
    from {{ ref('fct_orders') }}
    where is_revenue and customer_id is not null and ordered_on <= {{ as_of() }}
),

policies as (
    select * from {{ ref('tier_policies') }}
),

spend as (
    select
        customer_id,
        cast(extract(year from ordered_on) as integer) as period_year,
        count(*) as orders,
        cast(sum(amount_gross) as decimal(18, 2)) as spend_gross
    from orders
    group by customer_id, cast(extract(year from ordered_on) as integer)
    having sum(amount_gross) > 0
),

placed as (
    select
        *,
        cast(period_year || '-01-01' as date) as period_start_on,
        least(cast(period_year || '-12-31' as date), {{ as_of() }}) as period_end_on,
        cast(period_year || '-12-31' as date) <= {{ as_of() }} as is_complete,
        count(*) over (partition by period_year) as customers_in_period,
        rank() over (partition by period_year order by spend_gross desc) as spend_place
    from spend
),

-- The place of the last of those with equal spend decides, so that a tier never holds more than its share.
ranked as (
    select
        *,
        spend_place + count(*) over (partition by period_year, spend_gross) - 1 as last_equal_place
    from placed
),

in_force as (
    select
        periods.period_year,
        policies.scheme,
        max(policies.policy_version) as policy_version
    from (select distinct period_year, period_end_on from placed) as periods
    inner join policies on policies.valid_from <= periods.period_end_on
    group by periods.period_year, policies.scheme
),

reached as (
    select
        ranked.customer_id,
        ranked.period_year,
        policies.scheme,
        policies.policy_version,
        max(policies.tier_rank) as tier_rank
    from ranked
    inner join in_force on ranked.period_year = in_force.period_year
    inner join policies
        on in_force.scheme = policies.scheme
        and in_force.policy_version = policies.policy_version
        and (
            ranked.spend_gross >= policies.from_spend
            or ranked.last_equal_place <= ceil(ranked.customers_in_period * policies.up_to_share)
        )
    group by ranked.customer_id, ranked.period_year, policies.scheme, policies.policy_version
),

final as (
    select
        ranked.customer_id,
        reached.scheme,
        ranked.period_year,
        ranked.period_start_on,
        ranked.period_end_on,
        ranked.is_complete,
        ranked.spend_gross,
        ranked.orders,
        ranked.spend_place,
        ranked.customers_in_period,
        policies.tier_code,
        policies.tier_rank,
        policies.tier_name_en,
        policies.tier_name_zh,
        policies.policy_version
    from reached
    inner join ranked
        on reached.customer_id = ranked.customer_id
        and reached.period_year = ranked.period_year
    inner join policies
        on reached.scheme = policies.scheme
        and reached.policy_version = policies.policy_version
        and reached.tier_rank = policies.tier_rank
)

select * from final
