with {{ passed_with_customer('payments') }},

final as (
    select
        {{ source_key('owned') }} as payment_id,
        customer_id,
        system,
        source_table,
        source_id,
        order_source_id,
        contract_no,
        status,
        paid_at,
        {{ local_date('paid_at') }} as paid_on,
        method,
        amount_gross,
        coalesce(status = 'confirmed' and amount_gross is not null, false) as is_received,
        loaded_at
    from owned
)

select * from final
