with

organisations as (
    select * from {{ source('raw_erp', 'jsh_supplier') }}
),

users as (
    select id, username from {{ source('raw_erp', 'jsh_user') }}
),

-- The table also holds the vendors that we buy from (供应商). 会员 are the members that retail sells to.
customers as (
    select * from organisations
    where type in ('客户', '会员') and coalesce(delete_flag, '0') <> '1'
),

final as (
    select
        'jsh_supplier' as source_table,
        customers.id as source_id,
        customers._loaded_at as loaded_at,
        case
            when {{ clean_text('customers.tax_num') }} is not null
                or {{ names_a_firm('customers.supplier') }} then 'organisation'
            when customers.type = '会员' then 'person'
        end as party_type,
        {{ clean_text('customers.supplier') }} as customer_name,
        {{ clean_text('customers.contacts') }} as contact_name,
        {{ clean_text('customers.telephone') }} as mobile,
        {{ clean_text('customers.phone_num') }} as phone,
        {{ clean_text('customers.email') }} as email,
        {{ clean_text('customers.tax_num') }} as credit_code,
        {{ clean_text('customers.address') }} as address,
        customers.creator as owner_source_id,
        {{ clean_text('users.username') }} as owner_name,
        false as is_deleted,
        false as is_blocked
    from customers
    left join users on customers.creator = users.id
)

select * from final
