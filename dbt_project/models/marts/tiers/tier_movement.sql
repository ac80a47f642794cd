with

tiers as (
    select customer_id, scheme, period_year, is_complete, tier_code, tier_rank, spend_gross
    from {{ ref('customer_tiers') }}
),

first_years as (
    select customer_id, scheme, min(period_year) as first_year from tiers group by customer_id, scheme
),

last_year as (
    select max(period_year) as period_year, bool_and(is_complete) as is_complete
    from tiers
    where period_year = (select max(period_year) from tiers)
),

-- Every year in which the customer bought, and the year after each of them.
steps as (
    select customer_id, scheme, period_year as to_year from tiers
    union
    select tiers.customer_id, tiers.scheme, tiers.period_year + 1
    from tiers
    inner join last_year on tiers.period_year < last_year.period_year
),

final as (
    select
        steps.customer_id,
        steps.scheme,
        steps.to_year - 1 as from_year,
        steps.to_year,
        before.tier_code as from_tier,
        after.tier_code as to_tier,
        case
            when before.tier_code is null and steps.to_year = first_years.first_year then 'new'
            when before.tier_code is null then 'won_back'
            when after.tier_code is null then 'lost'
            when after.tier_rank > before.tier_rank then 'upgrade'
            when after.tier_rank < before.tier_rank then 'downgrade'
            else 'same'
        end as movement,
        coalesce(after.spend_gross, 0) - coalesce(before.spend_gross, 0) as spend_change_gross,
        steps.to_year = last_year.period_year and not last_year.is_complete as is_provisional
    from steps
    inner join first_years on steps.customer_id = first_years.customer_id and steps.scheme = first_years.scheme
    cross join last_year
    left join tiers as before
        on steps.customer_id = before.customer_id
        and steps.scheme = before.scheme
        and steps.to_year - 1 = before.period_year
    left join tiers as after
        on steps.customer_id = after.customer_id
        and steps.scheme = after.scheme
        and steps.to_year = after.period_year
)

select * from final
