with

logins as (
    select * from {{ source('raw_platform', 'logins') }}
),

final as (
    select
        'logins' as source_table,
        concat(account_id, ' ', day) as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('company_name') }} as customer_name,
        {{ clean_text('phone') }} as customer_phone,
        {{ clean_text('email') }} as customer_email,
        account_id,
        {{ to_date('day') }} as used_on,
        {{ try_to('logins', 'integer') }} as logins
    from logins
)

select * from final
