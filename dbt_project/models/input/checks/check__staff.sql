with

-- A list that knows leaving dates is HR's: who isn't in it isn't employed, whatever another system says.
known_to_hr as (
    select distinct staff_name
    from {{ ref('input__staff') }}
    where system in (select system from {{ ref('input__staff') }} where hired_on is not null)
),

gone as (
    select staff_name
    from {{ ref('input__staff') }}
    where left_on < {{ as_of() }}
    group by staff_name
),

plain as (
    {{ record_checks('staff', alike=['staff_name', 'mobile', 'email', 'position'], has_customer=false) }}
),

final as (
    select
        plain.*,
        staff.staff_name is not null and known_to_hr.staff_name is null and exists (select 1 from known_to_hr)
            as is_unknown_to_hr,
        coalesce(staff.is_active and gone.staff_name is not null and staff.left_on is null, false)
            as is_active_after_leaving
    from plain
    inner join {{ ref('input__staff') }} as staff
        on plain.system = staff.system
        and plain.source_table = staff.source_table
        and plain.source_id = staff.source_id
    left join known_to_hr on staff.staff_name = known_to_hr.staff_name
    left join gone on staff.staff_name = gone.staff_name
)

select * from final
