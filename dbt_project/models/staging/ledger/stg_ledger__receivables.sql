with

receivables as (
    select * from {{ source('raw_ledger', 'receivables') }}
),

final as (
    select
        'receivables' as source_table,
        _row_id as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('customer_name') }} as customer_name,
        {{ clean_text('document_no') }} as document_no,
        {{ to_date('due_date') }} as due_on,
        {{ to_money('amount') }} as amount_gross,
        {{ to_money('received') }} as received_amount,
        due_date as raw_date
    from receivables
)

select * from final
