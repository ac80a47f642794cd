with

receipts as (
    select * from {{ source('raw_ledger', 'receipts') }}
),

-- The sheet is in 万元; where tax is not included it is added, so that all systems give gross yuan.
in_yuan as (
    select
        *,
        {{ to_exact_number('amount_wan') }} * 10000
            * case when tax_included = '否' then 1 + {{ to_tax_rate('tax_rate') }} else 1 end as amount_yuan
    from receipts
),

final as (
    select
        'receipts' as source_table,
        _row_id as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('customer_name') }} as customer_name,
        {{ clean_text('contract_no') }} as contract_no,
        {{ to_utc('date') }} as paid_at,
        'confirmed' as status,
        {{ clean_text('remark') }} as method,
        cast(amount_yuan as decimal(18, 2)) as amount_gross,
        date as raw_date
    from in_yuan
)

select * from final
