with

plans as (
    select * from {{ source('raw_<system>', 'wk_crm_receivables_plan') }}
),

contracts as (
    select contract_id, num, customer_id, check_status from {{ source('raw_<system>', 'wk_crm_contract') }}
),

-- Nothing falls due of a void instalment (3), or of a contract rejected (2), withdrawn (4) or deleted (7).
due as (
    select
        plans.*,
        contracts.num as contract_no,
        coalesce(plans.customer_id, contracts.customer_id) as owed_by
    from plans
    left join contracts on plans.contract_id = contracts.contract_id
    where
        coalesce(plans.received_status, '0') <> '3'
        and coalesce(contracts.check_status, '0') not in ('2', '4', '7')
),

final as (
    select
        'wk_crm_receivables_plan' as source_table,
        receivables_plan_id as source_id,
        _loaded_at as loaded_at,
        owed_by as customer_source_id,
        {{ clean_text('contract_no') }} as document_no,
        {{ to_date('return_date') }} as due_on,
        {{ to_money('money') }} as amount_gross,
        -- Its status is 1 when all of it is in; older versions keep no sum beside it.
        coalesce(
            {{ to_money('real_received_money') }},
            case when status = '1' then {{ to_money('money') }} else 0 end
        ) as received_amount
    from due
)

select * from final
