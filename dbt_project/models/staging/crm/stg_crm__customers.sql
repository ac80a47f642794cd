with

customers as (
    select * from {{ source('raw_crm', 'wk_crm_customer') }}
),

users as (
    select user_id, realname from {{ source('raw_crm', 'wk_admin_user') }}
),

-- A custom value and its customer share a batch id; there is no other link.
custom_values as (
    select
        batch_id,
        max(case when name = 'credit_code' then value end) as credit_code,
        max(case when name = 'industry' then value end) as industry,
        max(case when name = 'region' then value end) as region
    from {{ source('raw_crm', 'wk_crm_customer_data') }}
    group by batch_id
),

final as (
    select
        'wk_crm_customer' as source_table,
        customers.customer_id as source_id,
        customers._loaded_at as loaded_at,
        case
            when {{ clean_text('custom_values.credit_code') }} is not null
                or {{ names_a_firm('customers.customer_name') }} then 'organisation'
        end as party_type,
        {{ clean_text('customers.customer_name') }} as customer_name,
        {{ clean_text('customers.mobile') }} as mobile,
        {{ clean_text('customers.telephone') }} as phone,
        {{ clean_text('customers.email') }} as email,
        {{ clean_text('custom_values.credit_code') }} as credit_code,
        {{ clean_text("coalesce(custom_values.region, replace(customers.address, ',', ''))") }} as region,
        {{ clean_text("concat(replace(customers.address, ',', ''), customers.detail_address)") }} as address,
        {{ clean_text('custom_values.industry') }} as industry,
        customers.owner_user_id as owner_source_id,
        {{ clean_text('users.realname') }} as owner_name,
        -- 1 in use, 2 locked, 3 deleted
        coalesce(customers.status = '3', false) as is_deleted,
        false as is_blocked,
        {{ to_utc('customers.create_time') }} as created_at,
        {{ to_utc('customers.update_time') }} as updated_at
    from customers
    left join users on customers.owner_user_id = users.user_id
    left join custom_values on customers.batch_id = custom_values.batch_id
)

select * from final
