with

activities as (
    select * from {{ source('raw_crm', 'wk_crm_activity') }}
),

users as (
    select user_id, realname from {{ source('raw_crm', 'wk_admin_user') }}
),

-- Types 2 and 3 are the product's own notes that a record was made or a stage changed; 1 and 4 are people's.
by_people as (
    select * from activities
    where coalesce(type, '1') not in ('2', '3')
),

final as (
    select
        'wk_crm_activity' as source_table,
        by_people.activity_id as source_id,
        by_people._loaded_at as loaded_at,
        -- 2 is a customer; the others are leads, contacts, opportunities and contracts
        case when by_people.activity_type = '2' then by_people.activity_type_id end as customer_source_id,
        by_people.create_user_id as staff_source_id,
        {{ clean_text('users.realname') }} as staff_name,
        case
            when by_people.type = '4' or {{ matches('by_people.category', '拜访|上门|面谈') }} then 'visit'
            when {{ matches('by_people.category', '电话') }} then 'call'
            when {{ matches('by_people.category', '微信|QQ') }} then 'wechat'
            when {{ matches('by_people.category', '邮') }} then 'email'
            when {{ matches('by_people.category', '会议') }} then 'meeting'
            else 'other'
        end as channel,
        {{ to_utc('by_people.create_time') }} as occurred_at,
        {{ clean_text('by_people.content') }} as summary
    from by_people
    left join users on by_people.create_user_id = users.user_id
)

select * from final
