with

contacts as (
    select * from {{ source('raw_wechat', 'contacts') }}
),

chats as (
    select
        md5(wechat_id) as source_id,
        _loaded_at as loaded_at,
        md5(wechat_id) as customer_source_id,
        {{ clean_text('staff_name') }} as staff_name,
        cast(null as varchar) as direction,
        {{ to_utc('last_chat_at') }} as occurred_at,
        cast(null as varchar) as summary
    from contacts
    where {{ clean_text('last_chat_at') }} is not null
),

-- Who deletes or blocks us does something, on a day: it is kept like anything else that passed between us.
cut_off as (
    select
        concat(md5(wechat_id), case status when '已删除' then '-deleted' else '-blocked' end),
        _loaded_at,
        md5(wechat_id),
        {{ clean_text('staff_name') }},
        'in',
        {{ to_utc('status_at') }},
        case status when '已删除' then 'deleted us' else 'blocked us' end
    from contacts
    where status in ('已删除', '被拉黑')
),

events as (
    select * from chats
    union all
    select * from cut_off
),

final as (
    select
        'contacts' as source_table,
        source_id,
        loaded_at,
        customer_source_id,
        staff_name,
        'wechat' as channel,
        direction,
        occurred_at,
        summary
    from events
)

select * from final
