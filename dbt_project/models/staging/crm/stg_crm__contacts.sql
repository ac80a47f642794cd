with

contacts as (
    select * from {{ source('raw_crm', 'wk_crm_contacts') }}
),

final as (
    select
        'wk_crm_contacts' as source_table,
        contacts_id as source_id,
        _loaded_at as loaded_at,
        customer_id as customer_source_id,
        coalesce({{ clean_text('mobile') }}, {{ clean_text('telephone') }}) as customer_phone,
        {{ clean_text('email') }} as customer_email,
        {{ clean_text('name') }} as contact_name,
        {{ clean_text('post') }} as contact_role,
        {{ to_utc('create_time') }} as created_at,
        {{ to_utc('update_time') }} as updated_at
    from contacts
)

select * from final
