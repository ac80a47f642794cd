with

calls as (
    select * from {{ source('raw_callcentre', 'calls') }}
),

final as (
    select
        'calls' as source_table,
        call_id as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('customer_name') }} as customer_name,
        {{ clean_text('caller_phone') }} as customer_phone,
        agent_no as staff_source_id,
        'call' as channel,
        direction,
        {{ call_outcome('result') }} as outcome,
        {{ to_utc('started_at') }} as occurred_at,
        {{ clean_text('topic') }} as summary
    from calls
)

select * from final
