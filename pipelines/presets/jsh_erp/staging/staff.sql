with

users as (
    select * from {{ source('raw_<system>', 'jsh_user') }}
),

final as (
    select
        'jsh_user' as source_table,
        id as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('username') }} as staff_name,
        {{ clean_text('department') }} as department,
        {{ clean_text('position') }} as position,
        {{ clean_text('phonenum') }} as mobile,
        {{ clean_text('email') }} as email,
        coalesce(status, '0') = '0' as is_active
    from users
    where coalesce(delete_flag, '0') <> '1'
)

select * from final
