{#- Custom field -> the names that companies give it; add your own. -#}
{%- set custom_fields = {
    'promised_on': [
        '约定交付日期', '承诺交付日期', '计划交付日期', '要求交付日期', '交付日期', '交货日期', 'promised_on',
        'delivery_date',
    ],
    'delivered_on': [
        '实际交付日期', '交付完成日期', '完成日期', '完工日期', '验收日期', 'delivered_on', 'actual_delivery_date',
    ],
} -%}
{#- The product keeps no tax: its amounts are with this rate in them. -#}
{%- set tax_rate = '0.06' -%}

with

contracts as (
    select * from {{ source('raw_crm', 'wk_crm_contract') }}
),

users as (
    select user_id, realname from {{ source('raw_crm', 'wk_admin_user') }}
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
        {{ is_test_entry(['name', 'num', 'remark']) }} as is_test
    from contracts
),

final as (
    select
        'wk_crm_contract' as source_table,
        decoded.contract_id as source_id,
        decoded._loaded_at as loaded_at,
        decoded.customer_id as customer_source_id,
        {{ clean_text('decoded.num') }} as order_no,
        decoded.owner_user_id as staff_source_id,
        {{ clean_text('users.realname') }} as staff_name,
        {{ to_utc('decoded.order_date') }} as ordered_at,
        coalesce({{ to_date('custom_values.promised_on') }}, {{ promised_on('decoded.remark') }}) as promised_on,
        coalesce({{ to_date('custom_values.delivered_on') }}, {{ delivered_on('decoded.remark') }})
            as delivered_on,
        -- 0 waits for approval, 1 approved, 2 rejected, 3 in approval, 4 withdrawn, 5 not handed in, 6 made,
        -- 7 deleted, 8 cancelled after its approval: it was sold all the same
        case
            when decoded.is_test then 'test'
            when decoded.check_status in ('1', '8') then 'confirmed'
            when decoded.check_status in ('2', '4', '7') then 'cancelled'
            else 'draft'
        end as status,
        'contract' as document_kind,
        {{ clean_text('decoded.name') }} as description,
        {{ to_money('decoded.money') }} as amount_gross,
        {{ net_of_tax(to_money('decoded.money'), tax_rate) }} as amount_net,
        decoded.order_date as raw_date
    from decoded
    left join users on decoded.owner_user_id = users.user_id
    left join custom_values on decoded.batch_id = custom_values.batch_id
)

select * from final
