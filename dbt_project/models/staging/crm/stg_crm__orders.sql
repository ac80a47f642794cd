with

contracts as (
    select * from {{ source('raw_crm', 'wk_crm_contract') }}
),

users as (
    select user_id, realname from {{ source('raw_crm', 'wk_admin_user') }}
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
        {{ promised_on('decoded.remark') }} as promised_on,
        {{ delivered_on('decoded.remark') }} as delivered_on,
        case
            when decoded.is_test then 'test'
            when decoded.check_status in ('1', '8') then 'confirmed'
            when decoded.check_status in ('2', '4', '7') then 'cancelled'
            else 'draft'
        end as status,
        'contract' as document_kind,
        {{ clean_text('decoded.name') }} as description,
        {{ to_money('decoded.money') }} as amount_gross,
        {{ net_of_tax(to_money('decoded.money'), '0.06') }} as amount_net,
        decoded.order_date as raw_date
    from decoded
    left join users on decoded.owner_user_id = users.user_id
)

select * from final
