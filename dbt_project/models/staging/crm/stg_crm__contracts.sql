with

contracts as (
    select * from {{ source('raw_crm', 'wk_crm_contract') }}
),

decoded as (
    select
        *,
        {{ is_test_entry(['name', 'num', 'remark']) }} as is_test,
        check_status = '8' as is_terminated
    from contracts
),

final as (
    select
        'wk_crm_contract' as source_table,
        contract_id as source_id,
        _loaded_at as loaded_at,
        customer_id as customer_source_id,
        {{ clean_text('num') }} as contract_no,
        {{ clean_text('name') }} as contract_name,
        case types
            when '1' then 'site'
            when '2' then 'search_promotion'
            when '3' then 'domain'
            when '4' then 'hosting'
            when '5' then 'mailbox'
            else {{ clean_text('types') }}
        end as product_kind,
        owner_user_id as staff_source_id,
        {{ to_date('order_date') }} as signed_on,
        {{ to_date('start_time') }} as starts_on,
        {{ to_date('end_time') }} as ends_on,
        {{ to_money('money') }} as amount_gross,
        {{ net_of_tax(to_money('money'), '0.06') }} as amount_net,
        -- 0 pending, 1 approved, 2 rejected, 3 in review, 4 withdrawn, 5 draft, 7 deleted, 8 terminated
        case
            when is_test or check_status in ('2', '4', '7') then 'void'
            when check_status = '1' then 'active'
            when is_terminated then 'terminated'
            else 'draft'
        end as status,
        case when is_terminated then {{ to_date('update_time') }} end as terminated_on,
        case
            when is_terminated then {{ extract_text('remark', '^\\s*(?:终止[：:]?\\s*)?(.*?)\\s*$') }}
        end as termination_reason,
        nullif(old_contract_id, '0') as previous_contract_source_id
    from decoded
)

select * from final
