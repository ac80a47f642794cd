with

interactions as (
    select system, source_table, source_id, staff_name, direction, {{ local_date('occurred_at') }} as occurred_on
    from {{ source('quality', 'passed_interactions') }}
),

final as (
    select
        interactions.system,
        interactions.source_table,
        interactions.source_id,
        -- What the customer did (rang up, deleted us) it may do after the employee had left.
        coalesce(
            interactions.occurred_on > leavers.left_on and interactions.direction is distinct from 'in', false
        ) as has_staff_gone,
        leavers.left_on as staff_left_on
    from interactions
    left join {{ ref('int_leavers') }} as leavers on interactions.staff_name = leavers.staff_name
)

select * from final
