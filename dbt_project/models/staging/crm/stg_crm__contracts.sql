{#- Custom field -> the names that companies give it; add your own. -#}
{%- set custom_fields = {
    'termination_reason': ['终止原因', '作废原因', '解约原因', '取消原因', 'termination_reason', 'cancel_reason'],
    'kind': ['合同类型', '业务类型', '产品类型', '服务类型', 'contract_kind', 'product_kind'],
} -%}
{#- The product keeps no tax: its amounts are with this rate in them. -#}
{%- set tax_rate = '0.06' -%}

with

contracts as (
    select * from {{ source('raw_crm', 'wk_crm_contract') }}
),

fields as (
    select field_id, name from {{ source('raw_crm', 'wk_crm_field') }}
),

-- A custom value and its contract share a batch id; there is no other link.
custom_rows as (
    select custom.batch_id, fields.name as label, custom.name, custom.value
    from {{ source('raw_crm', 'wk_crm_contract_data') }} as custom
    left join fields on custom.field_id = fields.field_id
),

custom_values as (
    {{ pivot_custom_fields('custom_rows', custom_fields) }}
),

decoded as (
    select
        *,
        {{ is_test_entry(['name', 'num', 'remark']) }} as is_test,
        coalesce(check_status = '8', false) as is_terminated
    from contracts
),

final as (
    select
        'wk_crm_contract' as source_table,
        decoded.contract_id as source_id,
        decoded._loaded_at as loaded_at,
        decoded.customer_id as customer_source_id,
        {{ clean_text('decoded.num') }} as contract_no,
        {{ clean_text('decoded.name') }} as contract_name,
        coalesce({{ clean_text('decoded.types') }}, custom_values.kind) as product_kind,
        decoded.owner_user_id as staff_source_id,
        {{ to_date('decoded.order_date') }} as signed_on,
        {{ to_date('decoded.start_time') }} as starts_on,
        {{ to_date('decoded.end_time') }} as ends_on,
        {{ to_money('decoded.money') }} as amount_gross,
        {{ net_of_tax(to_money('decoded.money'), tax_rate) }} as amount_net,
        -- 0 waits for approval, 1 approved, 2 rejected, 3 in approval, 4 withdrawn, 5 not handed in, 6 made,
        -- 7 deleted, 8 cancelled after its approval
        case
            when decoded.is_test or decoded.check_status in ('2', '4', '7') then 'void'
            when decoded.check_status = '1' then 'active'
            when decoded.is_terminated then 'terminated'
            else 'draft'
        end as status,
        case when decoded.is_terminated then {{ to_date('decoded.update_time') }} end as terminated_on,
        case
            when decoded.is_terminated then coalesce(
                custom_values.termination_reason,
                {{ extract_text('decoded.remark', '^\\s*(?:终止[：:]?\\s*)?(.*?)\\s*$') }}
            )
        end as termination_reason,
        nullif(decoded.old_contract_id, '0') as previous_contract_source_id
    from decoded
    left join custom_values on decoded.batch_id = custom_values.batch_id
)

select * from final
