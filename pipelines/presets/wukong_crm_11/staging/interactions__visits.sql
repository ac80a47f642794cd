{#- Custom field -> the names that companies give it; add your own. -#}
{%- set custom_fields = {
    'form': ['回访形式', '回访方式', '拜访方式', 'visit_form', 'form'],
    'feedback': ['客户反馈', '回访内容', '反馈内容', '回访结果', 'feedback', 'content'],
} -%}

with

visits as (
    select * from {{ source('raw_<system>', 'wk_crm_return_visit') }}
),

users as (
    select user_id, realname from {{ source('raw_<system>', 'wk_admin_user') }}
),

fields as (
    select field_id, name from {{ source('raw_<system>', 'wk_crm_field') }}
),

-- A custom value and its visit share a batch id; there is no other link.
custom_rows as (
    select custom.batch_id, fields.name as label, custom.name, custom.value
    from {{ source('raw_<system>', 'wk_crm_return_visit_data') }} as custom
    left join fields on custom.field_id = fields.field_id
),

custom_values as (
    {{ pivot_custom_fields('custom_rows', custom_fields) }}
),

final as (
    select
        'wk_crm_return_visit' as source_table,
        visits.visit_id as source_id,
        visits._loaded_at as loaded_at,
        visits.customer_id as customer_source_id,
        visits.owner_user_id as staff_source_id,
        {{ clean_text('users.realname') }} as staff_name,
        case
            when {{ matches('custom_values.form', '上门|拜访|见面|面谈') }} then 'visit'
            when {{ matches('custom_values.form', '电话') }} then 'call'
            when {{ matches('custom_values.form', '微信|QQ') }} then 'wechat'
            when {{ matches('custom_values.form', '邮') }} then 'email'
            else 'other'
        end as channel,
        'out' as direction,
        {{ to_utc('visits.visit_time') }} as occurred_at,
        custom_values.feedback as summary
    from visits
    left join users on visits.owner_user_id = users.user_id
    left join custom_values on visits.batch_id = custom_values.batch_id
)

select * from final
