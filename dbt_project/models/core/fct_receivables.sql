with {{ passed_with_customer('receivables') }},

final as (
    select
        {{ source_key('owned') }} as receivable_id,
        customer_id,
        system,
        source_table,
        source_id,
        document_no,
        due_on,
        amount_gross,
        received_amount,
        loaded_at
    from owned
)

select * from final
