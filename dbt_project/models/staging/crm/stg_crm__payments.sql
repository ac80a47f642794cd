with

receivables as (
    select * from {{ source('raw_crm', 'wk_crm_receivables') }}
),

final as (
    select
        'wk_crm_receivables' as source_table,
        receivables_id as source_id,
        _loaded_at as loaded_at,
        customer_id as customer_source_id,
        contract_id as order_source_id,
        {{ to_utc('return_time') }} as paid_at,
        -- 1 approved; all else is on its way there, rejected, withdrawn or deleted
        case when check_status = '1' then 'confirmed' else 'void' end as status,
        case return_type
            when '1' then 'cheque'
            when '2' then 'cash'
            when '3' then 'postal order'
            when '4' then 'telegraphic transfer'
            when '5' then 'bank transfer'
            when '6' then 'alipay'
            when '7' then 'wechat'
            else {{ clean_text('return_type') }}
        end as method,
        {{ to_money('money') }} as amount_gross,
        return_time as raw_date
    from receivables
)

select * from final
