with

service_costs as (
    select * from {{ source('raw_ledger', 'service_costs') }}
),

final as (
    select
        'service_costs' as source_table,
        _row_id as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('customer_name') }} as customer_name,
        {{ to_date('date') }} as incurred_on,
        {{ clean_text('kind') }} as kind,
        {{ to_money('amount') }} as amount_gross,
        date as raw_date
    from service_costs
)

select * from final
