with

purchases as (
    select * from {{ source('raw_members', 'xfjl') }}
),

final as (
    select
        'xfjl' as source_table,
        djh as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('khbh') }} as customer_source_id,
        djh as order_no,
        {{ to_utc('xfrq') }} as ordered_at,
        case
            when {{ is_test_entry(['xm', 'djh']) }} then 'test'
            when zt = '作废' then 'cancelled'
            else 'confirmed'
        end as status,
        'sale' as document_kind,
        {{ clean_text('xm') }} as description,
        {{ clean_text('xm') }} as product_name,
        {{ to_money('je') }} as amount_gross,
        xfrq as raw_date
    from purchases
)

select * from final
