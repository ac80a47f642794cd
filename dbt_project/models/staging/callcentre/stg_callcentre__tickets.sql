with

tickets as (
    select * from {{ source('raw_callcentre', 'tickets') }}
),

final as (
    select
        'tickets' as source_table,
        ticket_id as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('customer_name') }} as customer_name,
        {{ clean_text('caller_phone') }} as customer_phone,
        case kind
            when '投诉' then 'complaint'
            when '咨询' then 'question'
            when '报修' then 'repair'
            else {{ clean_text('kind') }}
        end as kind,
        {{ to_utc('opened_at') }} as opened_at,
        {{ to_utc('closed_at') }} as closed_at,
        case status
            when '未解决' then 'open'
            when '已解决' then 'closed'
            else {{ clean_text('status') }}
        end as status,
        case severity
            when '低' then 'low'
            when '中' then 'medium'
            when '高' then 'high'
            else {{ clean_text('severity') }}
        end as severity,
        {{ clean_text('summary') }} as summary
    from tickets
)

select * from final
