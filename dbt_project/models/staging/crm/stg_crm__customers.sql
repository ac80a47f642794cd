{#- Custom field -> the names that companies give it; add your own. -#}
{%- set custom_fields = {
    'credit_code': [
        '统一社会信用代码', '社会信用代码', '信用代码', '纳税人识别号', '税号', '营业执照号', 'credit_code', 'creditcode',
        'tax_no', 'tax_number',
    ],
    'industry': ['客户行业', '所属行业', '行业', '行业类型', '行业分类', 'industry', 'trade'],
    'region': ['所在地区', '所属地区', '地区', '所属区域', '区域', '省市', 'region', 'area'],
} -%}

with

customers as (
    select * from {{ source('raw_crm', 'wk_crm_customer') }}
),

users as (
    select user_id, realname from {{ source('raw_crm', 'wk_admin_user') }}
),

contacts as (
    select contacts_id, name from {{ source('raw_crm', 'wk_crm_contacts') }}
),

fields as (
    select field_id, name from {{ source('raw_crm', 'wk_crm_field') }}
),

-- A custom value and its customer share a batch id; there is no other link.
custom_rows as (
    select custom.batch_id, fields.name as label, custom.name, custom.value
    from {{ source('raw_crm', 'wk_crm_customer_data') }} as custom
    left join fields on custom.field_id = fields.field_id
),

custom_values as (
    {{ pivot_custom_fields('custom_rows', custom_fields) }}
),

final as (
    select
        'wk_crm_customer' as source_table,
        customers.customer_id as source_id,
        customers._loaded_at as loaded_at,
        case
            when custom_values.credit_code is not null
                or {{ names_a_firm('customers.customer_name') }} then 'organisation'
        end as party_type,
        {{ clean_text('customers.customer_name') }} as customer_name,
        {{ clean_text('contacts.name') }} as contact_name,
        {{ clean_text('customers.mobile') }} as mobile,
        {{ clean_text('customers.telephone') }} as phone,
        {{ clean_text('customers.email') }} as email,
        custom_values.credit_code,
        coalesce(custom_values.region, {{ clean_text("replace(customers.address, ',', '')") }}) as region,
        {{ clean_text("concat(replace(customers.address, ',', ''), customers.detail_address)") }} as address,
        custom_values.industry,
        -- Nobody owns a customer in the public pool.
        customers.owner_user_id as owner_source_id,
        {{ clean_text('users.realname') }} as owner_name,
        customers.create_user_id as collected_by_source_id,
        -- 1 in use, 2 locked, 3 deleted
        coalesce(customers.status = '3', false) as is_deleted,
        false as is_blocked,
        {{ to_utc('customers.create_time') }} as created_at,
        {{ to_utc('customers.update_time') }} as updated_at
    from customers
    left join users on customers.owner_user_id = users.user_id
    left join contacts on customers.contacts_id = contacts.contacts_id
    left join custom_values on customers.batch_id = custom_values.batch_id
)

select * from final
