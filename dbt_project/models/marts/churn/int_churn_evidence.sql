{%- set owed = ['拖欠', '坏账', '违约', 'bad debt', 'breach'] %}
{%- set rival = ['竞争对手', '同行报价', 'competitor'] %}
-- What the records say about why a customer may have gone, each with where it stands. A lower `strength`
-- outranks a higher one when several apply.
with

contracts as (
    select customer_id, terminated_on, termination_reason, system, source_table, source_id
    from {{ ref('fct_contracts') }}
    where status = 'terminated' and terminated_on is not null and customer_id is not null
),

tickets as (
    select customer_id, {{ local_date('opened_at') }} as opened_on, system, source_table, source_id
    from {{ ref('fct_tickets') }}
    where kind = 'complaint' and opened_at is not null and customer_id is not null
),

notes as (
    select customer_id, period_end, changes, concerns, summary, system, source_table, source_id
    from {{ ref('fct_account_notes') }}
    where customer_id is not null
),

talks as (
    select customer_id, {{ local_date('occurred_at') }} as talked_on, summary, system, source_table, source_id
    from {{ ref('fct_interactions') }}
    where customer_id is not null and summary is not null
),

blocked as (
    select customer_id, {{ local_date('updated_at') }} as blocked_on, system, source_table, source_id
    from {{ ref('int_customer_records') }}
    where is_blocked and updated_at is not null
),

overdue as (
    select customer_id, due_on, system, source_table, source_id
    from {{ ref('fct_receivables') }}
    where customer_id is not null and amount_gross > coalesce(received_amount, 0)
),

final as (
    select
        customer_id,
        terminated_on as happened_on,
        case
            when {{ mentions_any('termination_reason', owed + ['我司']) }} then 'passive'
            else 'active'
        end as kind,
        case
            when {{ mentions_any('termination_reason', owed + ['我司']) }} then 'bad_debt'
            when {{ mentions_any('termination_reason', rival + ['竞争', '同行']) }} then 'competitor'
            when {{ mentions_any('termination_reason', ['价格', '太贵', 'price']) }} then 'price'
            when {{ mentions_any('termination_reason', ['投诉', 'complaint']) }} then 'complaint'
            else 'cancelled'
        end as reason,
        1 as strength,
        system,
        source_table,
        source_id
    from contracts
    union all
    select customer_id, blocked_on, 'active', 'blocked_us', 2, system, source_table, source_id
    from blocked
    union all
    select customer_id, period_end, 'active', 'competitor', 3, system, source_table, source_id
    from notes
    where {{ mentions_any("concat_ws(' ', changes, concerns, summary)", rival) }}
    union all
    select customer_id, talked_on, 'active', 'competitor', 3, system, source_table, source_id
    from talks
    where {{ mentions_any('summary', rival) }}
    union all
    select customer_id, talked_on, 'passive', 'bad_debt', 3, system, source_table, source_id
    from talks
    where {{ mentions_any('summary', owed) }}
    union all
    select customer_id, talked_on, 'active', 'complaint', 3, system, source_table, source_id
    from talks
    where {{ mentions_any('summary', ['投诉未解决', 'unresolved complaint']) }}
    union all
    select customer_id, opened_on, 'active', 'complaint', 4, system, source_table, source_id
    from tickets
    union all
    select customer_id, due_on, 'passive', 'bad_debt', 5, system, source_table, source_id
    from overdue
)

select * from final
