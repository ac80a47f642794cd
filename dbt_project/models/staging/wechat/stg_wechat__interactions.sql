with

contacts as (
    select * from {{ source('raw_wechat', 'contacts') }}
),

final as (
    select
        'contacts' as source_table,
        md5(wechat_id) as source_id,
        _loaded_at as loaded_at,
        md5(wechat_id) as customer_source_id,
        {{ clean_text('staff_name') }} as staff_name,
        'wechat' as channel,
        {{ to_utc('last_chat_at') }} as occurred_at
    from contacts
    where {{ clean_text('last_chat_at') }} is not null
)

select * from final
