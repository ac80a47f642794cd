with

projects as (
    select * from {{ source('raw_ledger', 'projects') }}
),

final as (
    select
        'projects' as source_table,
        _row_id as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('customer_name') }} as customer_name,
        {{ clean_text('project_no') }} as order_no,
        {{ clean_text('manager') }} as staff_name,
        {{ to_utc('date') }} as ordered_at,
        case
            when {{ is_test_entry(['status', 'project_name', 'project_no']) }} then 'test'
            when {{ matches('status', '取消|作废|终止') }} then 'cancelled'
            else 'confirmed'
        end as status,
        'sale' as document_kind,
        {{ clean_text('project_name') }} as description,
        {{ clean_text('project_name') }} as product_name,
        {{ to_money('amount') }} as amount_gross,
        {{ net_of_tax(to_money('amount'), '0.06') }} as amount_net,
        {{ to_money('cost') }} as cost_amount,
        date as raw_date
    from projects
)

select * from final
