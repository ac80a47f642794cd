-- Islands of activity: a spell goes on as long as the next contract or purchase starts before the absence of
-- one would have been confirmed. Its last activity (the one that is due last) tells when and of what it ended.
with

activity as (
    select * from {{ ref('int_activity') }}
),

reach as (
    select
        *,
        max(confirmed_on) over (
            partition by customer_id order by starts_on, activity_id
            rows between unbounded preceding and 1 preceding
        ) as covered_until
    from activity
),

numbered as (
    select
        *,
        sum(case when covered_until is null or starts_on > covered_until then 1 else 0 end) over (
            partition by customer_id order by starts_on, activity_id rows unbounded preceding
        ) as spell_number
    from reach
),

last_of_spell as (
    select
        *,
        row_number() over (
            partition by customer_id, spell_number order by due_on desc, confirmed_on desc, activity_id desc
        ) as from_last
    from numbered
),

final as (
    select
        customer_id,
        cast(spell_number as integer) as spell_number,
        min(starts_on) as started_on,
        max(case when from_last = 1 then is_contract end) as is_contractual,
        max(case when from_last = 1 then activity_id end) as last_activity_id,
        max(case when from_last = 1 then last_active_on end) as last_active_on,
        max(due_on) as due_on,
        greatest(max(due_on), max(confirmed_on)) as confirmed_on
    from last_of_spell
    group by customer_id, spell_number
)

select * from final
