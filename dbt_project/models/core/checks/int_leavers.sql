-- Who has left, by name and day: employees whom a list with leaving dates (HR's) knows, once by that name.
with

staff as (
    select staff_name, left_on
    from {{ source('quality', 'passed_staff') }}
    where system in (select system from {{ source('quality', 'passed_staff') }} where left_on is not null)
),

final as (
    select staff_name, max(left_on) as left_on
    from staff
    group by staff_name
    having count(*) = 1 and max(left_on) < {{ as_of() }}
)

select * from final
