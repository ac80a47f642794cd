-- What keeps a customer: each contract and each purchase, with the day the next step was due and the day
-- from which its absence means that the customer has left. Only what was known at the time is used: the
-- rhythm is the median gap up to that purchase, the class is the one at the quarter's start.
with

with_term as (
    select * from {{ ref('fct_contracts') }}
    where starts_on is not null and ends_on is not null
),

contracts as (
    select * from with_term
    where
        customer_id is not null
        and status in ('active', 'terminated')
        and starts_on <= {{ as_of() }}
),

-- A contract without an end binds nobody: it is a purchase on the day it was signed.
purchases as (
    select customer_id, ordered_on, min(order_id) as activity_id
    from {{ ref('fct_orders') }}
    where
        is_revenue and document_kind <> 'return' and amount_gross > 0
        and customer_id is not null and ordered_on <= {{ as_of() }}
        and order_id not in (select contract_id from with_term)
    group by customer_id, ordered_on
),

classes as (
    select quarter_start_on, customer_id, class_code from {{ ref('int_class_at_quarter') }}
),

policies as (
    select * from {{ ref('churn_policies') }}
    where policy_version = (
        select max(policy_version) from {{ ref('churn_policies') }} where valid_from <= {{ as_of() }}
    )
),

gaps as (
    select
        *,
        {{ days_between('lag(ordered_on) over (partition by customer_id order by ordered_on)', 'ordered_on') }}
            as gap_days,
        row_number() over (partition by customer_id order by ordered_on) - 1 as gaps_known
    from purchases
),

rhythms as (
    select *, {{ running_median('gap_days', 'customer_id', 'ordered_on') }} as median_gap_days
    from gaps
),

windows as (
    select
        rhythms.customer_id,
        rhythms.activity_id,
        rhythms.ordered_on,
        cast(case
            when rhythms.gaps_known >= 2
                then least(greatest(rhythms.median_gap_days, 1), policies.max_window_days)
            else policies.usual_gap_days
        end as integer) as gap_days,
        policies.gap_multiplier,
        policies.min_window_days,
        policies.max_window_days
    from rhythms
    left join classes
        on rhythms.customer_id = classes.customer_id
        and classes.quarter_start_on = cast(date_trunc('quarter', rhythms.ordered_on) as date)
    inner join policies on policies.class_code = coalesce(classes.class_code, 'C')
),

final as (
    select
        customer_id,
        activity_id,
        false as is_contract,
        ordered_on as starts_on,
        ordered_on as last_active_on,
        {{ add_days('ordered_on', 'gap_days') }} as due_on,
        {{ add_days(
            'ordered_on',
            'ceil(least(greatest(gap_days * gap_multiplier, min_window_days, gap_days), max_window_days))'
        ) }} as confirmed_on
    from windows
    union all
    select
        contracts.customer_id,
        contracts.contract_id,
        true,
        contracts.starts_on,
        least(coalesce(contracts.terminated_on, contracts.ends_on), contracts.ends_on),
        least(coalesce(contracts.terminated_on, contracts.ends_on), contracts.ends_on),
        case
            when contracts.status = 'terminated' and contracts.terminated_on is not null
                then least(contracts.terminated_on, contracts.ends_on)
            else {{ add_days('contracts.ends_on', '(select max(contract_grace_days) from policies)') }}
        end
    from contracts
)

select * from final
