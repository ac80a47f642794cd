with

users as (
    select * from {{ source('raw_<system>', 'wk_admin_user') }}
),

final as (
    select
        'wk_admin_user' as source_table,
        user_id as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('realname') }} as staff_name,
        {{ clean_text('post') }} as position,
        {{ clean_text('mobile') }} as mobile,
        {{ clean_text('email') }} as email,
        -- 0 barred, 1 in use, 2 not yet activated
        coalesce(status = '1' and is_del <> '1', false) as is_active
    from users
)

select * from final
