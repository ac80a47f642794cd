with

spells as (
    select * from {{ ref('int_spells') }}
),

losses as (
    select customer_id, spell_number, kind, value_lost_gross from {{ ref('customer_churn') }}
),

classes as (
    select quarter_start_on, customer_id, class_code from {{ ref('int_class_at_quarter') }}
),

span as (
    select min(started_on) as first_on from spells
),

quarters as (
    select
        quarter_start_on,
        {{ add_days("cast(quarter_start_on + interval '3' month as date)", -1) }} as quarter_end_on
    from ({{ quarter_starts('(select first_on from span)', as_of()) }}) as all_quarters
),

-- A spell that was running when the quarter began: the denominator.
at_start as (
    select
        quarters.quarter_start_on,
        spells.customer_id,
        spells.is_contractual,
        coalesce(classes.class_code, 'C') as class_code,
        spells.due_on between quarters.quarter_start_on and quarters.quarter_end_on
            and spells.confirmed_on <= {{ as_of() }} as is_lost,
        spells.due_on between quarters.quarter_start_on and quarters.quarter_end_on
            and spells.due_on <= {{ as_of() }}
            and spells.confirmed_on > {{ as_of() }} as is_pending,
        losses.kind,
        losses.value_lost_gross,
        false as is_won_back
    from quarters
    inner join spells
        on spells.started_on < quarters.quarter_start_on
        and spells.due_on >= quarters.quarter_start_on
    left join losses
        on spells.customer_id = losses.customer_id
        and spells.spell_number = losses.spell_number
    left join classes
        on quarters.quarter_start_on = classes.quarter_start_on
        and spells.customer_id = classes.customer_id
),

won_back as (
    select
        cast(date_trunc('quarter', spells.started_on) as date) as quarter_start_on,
        spells.customer_id,
        spells.is_contractual,
        coalesce(classes.class_code, 'C') as class_code,
        true as is_won_back
    from spells
    left join classes
        on classes.quarter_start_on = cast(date_trunc('quarter', spells.started_on) as date)
        and spells.customer_id = classes.customer_id
    where spells.spell_number > 1
),

events as (
    select
        quarter_start_on, customer_id, is_contractual, class_code, is_lost, is_pending, kind, value_lost_gross,
        is_won_back
    from at_start
    union all
    select quarter_start_on, customer_id, is_contractual, class_code, false, false, null, 0, is_won_back
    from won_back
),

counted as (
    select
        quarter_start_on,
        case
            when grouping(is_contractual) = 1 then 'all'
            when is_contractual then 'contractual'
            else 'non_contractual'
        end as relationship,
        case when grouping(class_code) = 1 then 'all' else class_code end as class_code,
        sum(case when not is_won_back then 1 else 0 end) as customers_at_start,
        sum(case when is_lost then 1 else 0 end) as lost,
        sum(case when is_lost and kind = 'active' then 1 else 0 end) as lost_active,
        sum(case when is_lost and kind = 'passive' then 1 else 0 end) as lost_passive,
        sum(case when is_pending then 1 else 0 end) as pending,
        sum(case when is_won_back then 1 else 0 end) as won_back,
        sum(case when is_lost then value_lost_gross else 0 end) as value_lost_gross
    from events
    group by grouping sets (
        (quarter_start_on, is_contractual, class_code),
        (quarter_start_on, is_contractual),
        (quarter_start_on, class_code),
        (quarter_start_on)
    )
),

final as (
    select
        counted.quarter_start_on,
        quarters.quarter_end_on,
        extract(year from counted.quarter_start_on) || 'Q' || extract(quarter from counted.quarter_start_on)
            as quarter,
        counted.relationship,
        counted.class_code,
        cast(counted.customers_at_start as bigint) as customers_at_start,
        cast(counted.lost as bigint) as lost,
        cast(counted.lost_active as bigint) as lost_active,
        cast(counted.lost_passive as bigint) as lost_passive,
        cast(counted.pending as bigint) as pending,
        cast(counted.won_back as bigint) as won_back,
        cast(counted.value_lost_gross as decimal(18, 2)) as value_lost_gross,
        cast(counted.lost / nullif(counted.customers_at_start, 0) as decimal(9, 6)) as churn_rate,
        counted.pending > 0 or quarters.quarter_end_on > {{ as_of() }} as is_provisional
    from counted
    inner join quarters on counted.quarter_start_on = quarters.quarter_start_on
)

select * from final
