with

counts as (
    select * from {{ source('quality', 'check_counts') }} where severity <> 'info'
),

-- A name that two departments know may be two people; nobody can tell which of them.
departments as (
    select trim(staff_name) as staff, min(department) as department
    from {{ ref('input__staff') }}
    where trim(staff_name) <> '' and department is not null
    group by trim(staff_name)
    having count(distinct department) = 1
),

monthly as (
    select
        system,
        nullif(trim(staff), '') as staff,
        entity,
        dimension,
        month,
        cast(sum(checked) as bigint) as checked,
        cast(sum(failed) as bigint) as failed
    from counts
    group by system, nullif(trim(staff), ''), entity, dimension, month
    having sum(checked) > 0
),

scored as (
    select
        monthly.system,
        departments.department,
        monthly.staff,
        monthly.entity,
        monthly.dimension,
        monthly.month,
        monthly.checked,
        monthly.failed,
        1 - cast(monthly.failed as double) / monthly.checked as score
    from monthly
    left join departments on monthly.staff = departments.staff
),

final as (
    select
        scored.system,
        scored.department,
        scored.staff,
        scored.entity,
        scored.dimension,
        scored.month,
        scored.checked,
        scored.failed,
        scored.score,
        earlier.score as previous_score,
        case
            when scored.score > earlier.score then 'better'
            when scored.score < earlier.score then 'worse'
            when scored.score = earlier.score then 'same'
        end as trend
    from scored
    left join scored as earlier
        on scored.system = earlier.system
        and scored.entity = earlier.entity
        and scored.dimension = earlier.dimension
        and coalesce(scored.staff, '') = coalesce(earlier.staff, '')
        and earlier.month = {{ add_months('scored.month', -1) }}
)

select * from final
