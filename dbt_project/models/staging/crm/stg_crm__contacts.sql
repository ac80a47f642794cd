{#- Custom field -> the names that companies give it; add your own. -#}
{%- set custom_fields = {
    'role': ['职务', '职位', '岗位', '决策角色', '角色', 'role', 'job_title', 'position'],
    'phone': ['手机号', '手机', '备用手机', '备用电话', '联系电话', 'phone', 'phone_number'],
} -%}

with

contacts as (
    select * from {{ source('raw_crm', 'wk_crm_contacts') }}
),

fields as (
    select field_id, name from {{ source('raw_crm', 'wk_crm_field') }}
),

-- A custom value and its contact share a batch id; there is no other link.
custom_rows as (
    select custom.batch_id, fields.name as label, custom.name, custom.value
    from {{ source('raw_crm', 'wk_crm_contacts_data') }} as custom
    left join fields on custom.field_id = fields.field_id
),

custom_values as (
    {{ pivot_custom_fields('custom_rows', custom_fields) }}
),

final as (
    select
        'wk_crm_contacts' as source_table,
        contacts.contacts_id as source_id,
        contacts._loaded_at as loaded_at,
        contacts.customer_id as customer_source_id,
        coalesce(
            {{ clean_text('contacts.mobile') }}, {{ clean_text('contacts.telephone') }}, custom_values.phone
        ) as customer_phone,
        {{ clean_text('contacts.email') }} as customer_email,
        {{ clean_text('contacts.name') }} as contact_name,
        coalesce({{ clean_text('contacts.post') }}, custom_values.role) as contact_role,
        contacts.create_user_id as collected_by_source_id,
        {{ to_utc('contacts.create_time') }} as created_at,
        {{ to_utc('contacts.update_time') }} as updated_at
    from contacts
    left join custom_values on contacts.batch_id = custom_values.batch_id
)

select * from final
