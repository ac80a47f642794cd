with

staff as (
    select * from {{ source('raw_hr', 'staff') }}
),

final as (
    select
        'staff' as source_table,
        staff_no as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('name') }} as staff_name,
        {{ clean_text('department') }} as department,
        {{ clean_text('post') }} as position,
        {{ clean_text('mobile') }} as mobile,
        {{ clean_text('email') }} as email,
        {{ to_date('hired_on') }} as hired_on,
        {{ to_date('left_on') }} as left_on,
        coalesce(status <> '离职', {{ to_date('left_on') }} is null) as is_active
    from staff
)

select * from final
